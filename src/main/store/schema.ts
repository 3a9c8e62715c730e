// The database's own rules, compared with what the migrations make: a trigger put in could change what is written, one taken out lets it be changed.
import Database from 'better-sqlite3'
import type { Db } from './database'
import { MIGRATIONS } from './migrations'

interface Item {
  type: 'table' | 'index' | 'trigger' | 'view'
  name: string
  sql: string | null
}
export interface SchemaFault {
  what: string
  why: 'is missing' | 'was put in' | 'was changed'
  /** null: cannot be mended */
  mend: string[] | null
}

const itemsOf = (db: Db): Map<string, Item> =>
  new Map(
    db
      .prepare<[], Item>(
        "SELECT type, name, sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite\\_%' ESCAPE '\\' OR type IN ('trigger', 'view')",
      )
      .all()
      .map((item) => [`${item.type} ${item.name}`, item]),
  )
const plain = (sql: string | null | undefined): string => (sql ?? '').replaceAll(/\s+/g, ' ').trim()
const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`

/** Where the schema differs from what the migrations up to `version` make. */
export function schemaFaults(db: Db, version: number): SchemaFault[] {
  const model = new Database(':memory:')
  let wanted: Map<string, Item>
  try {
    for (const migration of MIGRATIONS.slice(0, version)) migration.up(model)
    wanted = itemsOf(model)
  } finally {
    model.close()
  }
  const found = itemsOf(db)
  const faults: SchemaFault[] = []
  for (const [what, { type, name, sql }] of wanted) {
    const there = found.get(what)
    if (there && plain(there.sql) === plain(sql)) continue
    const makeable = (type === 'index' || type === 'trigger') && sql !== null
    const drop = there ? [`DROP ${type} ${quoted(name)}`] : []
    faults.push({ what, why: there ? 'was changed' : 'is missing', mend: makeable ? [...drop, sql] : null })
  }
  for (const [what, { type, name }] of found)
    if (!wanted.has(what))
      faults.push({ what, why: 'was put in', mend: type === 'table' ? null : [`DROP ${type} ${quoted(name)}`] })
  return faults
}

/** Puts triggers and indexes right and throws others out; tables are left as they are. Returns what was found, in words. */
export function mendSchema(db: Db, version: number): string[] {
  const faults = schemaFaults(db, version)
  // what was put in goes first: it must not act on the rest
  const order = faults.toSorted((a, b) => Number(b.why === 'was put in') - Number(a.why === 'was put in'))
  for (const { mend } of order) for (const sql of mend ?? []) db.exec(sql)
  return faults.map(({ what, why }) => `the ${what} ${why}`)
}
