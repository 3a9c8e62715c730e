// The numbered migrations, in order. A released one is never edited: a change is a new number.
import type Database from 'better-sqlite3'
import { bags } from './001-bags'
import { audit } from './002-audit'
import { policies } from './003-policies'
import { search } from './004-search'
import { findings } from './005-findings'
import { chain } from './006-chain'
import { bagsOnScan } from './007-bags-on-scan'

export interface Migration {
  version: number
  /** Runs inside one transaction. */
  up: (db: Database.Database) => void
}

const UPS = [bags, audit, policies, search, findings, chain, bagsOnScan]
export const MIGRATIONS: readonly Migration[] = UPS.map((up, index) => ({ version: index + 1, up }))
