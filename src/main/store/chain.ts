// The chain over the whole record: every bag, verdict, decision, outcome, policy and audit row is bound by a link, in the transaction that
// writes it, and the chain's end is signed. What is bound is in records.ts; the whole chain is walked in verify.ts.
import type { Db } from './database'
import { headText, type Head, type HeadFile, type SignedHead } from './head-file'
import type { StationKey } from './key'
import { KIND, linkHash, Records, START, type Kind } from './records'

/** Binds a record that has just been written; inside `Chain.write` only. */
export type Bind = (kind: Kind, subject: number) => void

/** Signing and the head kept apart: missing where the key is not at hand, then the record can be read and not written. */
export interface Signer {
  key: StationKey
  headFile: HeadFile
}

interface Tip {
  seq: number
  hash: string
}
interface HeadRow extends Omit<SignedHead, 'hash'> {
  hash: Buffer
}

export class Chain {
  readonly records
  readonly #statements
  /** the chain's end as this process left it */
  #tip: Tip | null = null
  /** the end while a transaction writes */
  #open: Head | null = null
  #broke = false
  /** told once of a chain whose end is not what was signed; it enters that in the audit */
  onBroken: (why: string) => void = () => undefined

  constructor(
    private readonly db: Db,
    readonly signer: Signer | null,
  ) {
    this.records = new Records(db)
    this.#statements = {
      last: db.prepare<[], { seq: number; hash: Buffer }>('SELECT seq, hash FROM links ORDER BY seq DESC LIMIT 1'),
      at: db.prepare<[number], Buffer>('SELECT hash FROM links WHERE seq = ?').pluck(),
      insert: db.prepare<[number, number, number, Buffer]>('INSERT INTO links (seq, kind, subject, hash) VALUES (?, ?, ?, ?)'),
      head: db.prepare<[], HeadRow>('SELECT seq, hash, bags, policies, calibrations, signature FROM chain_head WHERE id = 1'),
      sign: db.prepare<[number, Buffer, number, number, number, Buffer]>(
        'INSERT OR REPLACE INTO chain_head (id, seq, hash, bags, policies, calibrations, signature) VALUES (1, ?, ?, ?, ?, ?, ?)',
      ),
      newest: {
        bags: db.prepare<[], number | null>('SELECT max(id) FROM bags').pluck(),
        policies: db.prepare<[], number | null>('SELECT max(version) FROM policies').pluck(),
        calibrations: db.prepare<[], number | null>('SELECT max(version) FROM calibrations').pluck(),
      },
    }
  }

  /** One immediate transaction around `work`; what it binds is linked and the new end signed with it, or nothing of it is written. */
  write<T>(work: (bind: Bind) => T): T {
    const outermost = this.#open === null
    let signed: SignedHead | null = null
    try {
      const result = this.db
        .transaction(() => {
          const done = work((kind, subject) => this.#bind(kind, subject))
          if (outermost && this.#open) signed = this.#sign(this.#open)
          return done
        })
        .immediate()
      if (outermost) this.#committed(signed)
      return result
    } catch (error) {
      if (outermost) this.#broke = false
      throw error
    } finally {
      if (outermost) this.#open = null
    }
  }

  /** The signed end as the database has it; null where it has none. Nothing is checked. */
  head(): SignedHead | null {
    const row = this.#statements.head.get()
    return row ? { ...row, hash: row.hash.toString('hex') } : null
  }

  /** The hash (hex) of a link, null where there is none. */
  hashAt(seq: number): string | null {
    return seq === 0 ? START : (this.#statements.at.get(seq)?.toString('hex') ?? null)
  }

  /** The newest row of each table that the head names. */
  newest(): Pick<Head, 'bags' | 'policies' | 'calibrations'> {
    const { bags, policies, calibrations } = this.#statements.newest
    return { bags: bags.get() ?? 0, policies: policies.get() ?? 0, calibrations: calibrations.get() ?? 0 }
  }

  /** What is wrong with the chain's end, seen at a glance: a cut, a chain recomputed, an older database put back. Null where it is as signed. */
  fault(kept = this.signer?.headFile.read() ?? null): string | null {
    return this.db.transaction(() => this.#faultNow(kept))()
  }

  #faultNow(kept: SignedHead | 'none' | null): string | null {
    if (!this.signer) return null
    const head = this.head()
    if (!head) return this.#last() ? 'the signed end of the chain was removed' : this.#cutFrom(kept)
    const last = this.#last() ?? { seq: 0, hash: START }
    if (!this.signer.key.verifies(headText(head), head.signature))
      return "the end of the chain is not signed with this station's key: links were cut, put in or recomputed"
    if (last.seq < head.seq) return `links ${last.seq + 1} to ${head.seq} were cut off the chain's end`
    if (last.seq > head.seq) return `links after ${head.seq} were put in`
    if (last.hash !== head.hash) return 'the last link was changed'
    const now = this.newest()
    if (now.policies !== head.policies) return `the newest alarm policy is ${now.policies}, and was ${head.policies}`
    if (now.calibrations !== head.calibrations)
      return `the newest calibration is ${now.calibrations}, and was ${head.calibrations}`
    if (now.bags !== head.bags) return `the newest bag is ${now.bags}, and was ${head.bags}`
    return this.#cutFrom(kept)
  }

  /** Whether the head that is kept beside the key is in the chain. */
  #cutFrom(kept: SignedHead | 'none' | null): string | null {
    if (kept === 'none') return null
    if (kept === null) return 'the head that is kept beside the key is missing'
    const there = this.hashAt(kept.seq)
    if (there === null)
      return `the chain had ${kept.seq} links and has ${this.#last()?.seq ?? 0}: its end was cut, or an older database put back`
    return there === kept.hash ? null : `link ${kept.seq} is not the one that was signed: the chain was recomputed`
  }

  /** Enters a break in the record: nobody can take it out again, and the head kept apart goes on from there. */
  confess(why: string): void {
    this.write(() => {
      this.#open = this.#begin(true)
      this.#broke = true
      this.onBroken(why)
    })
  }

  /** Goes on from an end that is not as it was left, for a reason that `work` enters in the record: another key, a backup put back. */
  goOn(work: () => void): void {
    this.write(() => {
      this.#open = this.#begin(true)
      this.#broke = true
      work()
    })
  }

  /** Signs the end of a chain without links: from then on its absence is a break. */
  signEmpty(): void {
    this.#open ??= this.#begin()
  }

  #last(): Tip | null {
    const last = this.#statements.last.get()
    return last ? { seq: last.seq, hash: last.hash.toString('hex') } : null
  }

  #bind(kind: Kind, subject: number): void {
    if (!this.signer) throw new Error('The key that signs the record is not at hand, so nothing can be written down.')
    const open = (this.#open ??= this.#begin())
    const content = this.records.content(kind, subject)
    if (content === null) throw new Error('A record was not there to be bound.')
    const seq = open.seq + 1
    const hash = linkHash(open.hash, seq, kind, subject, content)
    this.#statements.insert.run(seq, kind, subject, Buffer.from(hash, 'hex'))
    open.seq = seq
    open.hash = hash
    if (kind === KIND.received || kind === KIND.receivedKept) open.bags = Math.max(open.bags, subject)
    if (kind === KIND.policy) open.policies = Math.max(open.policies, subject)
    if (kind === KIND.calibration) open.calibrations = Math.max(open.calibrations, subject)
  }

  /** Where to go on from. The end must be as this process left it, or as another with the key has signed it meanwhile. */
  #begin(quiet = false): Head {
    const last = this.#last() ?? { seq: 0, hash: START }
    const head = this.head()
    const { bags, policies, calibrations } = head ?? this.newest()
    const open = { ...last, bags, policies, calibrations }
    const why = quiet ? null : this.#endFault(head, last)
    if (why !== null) {
      // its audit row is the first link after the break
      this.#open = open
      this.#broke = true
      this.onBroken(why)
    }
    return open
  }

  #endFault(head: SignedHead | null, last: Tip): string | null {
    const tip = this.#tip
    if (tip && last.seq < tip.seq) return `links ${last.seq + 1} to ${tip.seq} were cut off while the station ran`
    if (!head) return last.seq === 0 && tip === null ? null : 'the signed end of the chain was removed'
    if (head.seq !== last.seq || head.hash !== last.hash) return 'the last link is not the one that was signed'
    if (tip?.seq === head.seq && tip.hash === head.hash) return null
    return this.signer?.key.verifies(headText(head), head.signature) === false ? 'the end of the chain was recomputed' : null
  }

  #sign(head: Head): SignedHead {
    if (!this.signer) throw new Error('There is no key to sign with.')
    const signature = this.signer.key.sign(headText(head))
    const { seq, hash, bags, policies, calibrations } = head
    this.#statements.sign.run(seq, Buffer.from(hash, 'hex'), bags, policies, calibrations, signature)
    return { seq, hash, bags, policies, calibrations, signature }
  }

  /** Inside somebody else's transaction nothing is certain yet: then the end is looked at anew the next time. */
  #committed(signed: SignedHead | null): void {
    if (!signed || this.db.inTransaction) {
      this.#tip = null
      return
    }
    this.#tip = { seq: signed.seq, hash: signed.hash }
    if (this.#broke) this.signer?.headFile.force(signed)
    else this.signer?.headFile.note(signed)
    this.#broke = false
  }
}
