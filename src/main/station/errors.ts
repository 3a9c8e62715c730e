// What the station refuses a person, in plain words; the router makes the contract's typed errors of them.

/** There is no such bag or version. */
export class NotFound extends Error {
  override name = 'NotFound'
}
/** The station refuses a change; the message says why, in plain words. */
export class Refused extends Error {
  override name = 'Refused'
}
