// Errors that a start can name in plain words.

/** The database was written by a newer Lanescope: this one does not touch it. */
export class DatabaseFromTheFuture extends Error {
  override name = 'DatabaseFromTheFuture'
  constructor(
    readonly found: number,
    readonly known: number,
  ) {
    super(
      `This data folder was written by a newer Lanescope (database version ${found}; this program knows ${known}). Start the newer program, or choose another folder with --data.`,
    )
  }
}

/** The file is an SQLite database of some other program. */
export class NotOurDatabase extends Error {
  override name = 'NotOurDatabase'
  constructor(path: string) {
    super(`${path} is not a Lanescope database.`)
  }
}

/** Another station works on the same data folder. */
export class FolderInUse extends Error {
  override name = 'FolderInUse'
  constructor(
    readonly folder: string,
    readonly holder: string | null,
  ) {
    super(
      `Another Lanescope station is already working on ${folder}${holder ? ` (process ${holder})` : ''}. Close it, or choose another folder with --data.`,
    )
  }
}
