// The scans of a list that are in a folder, each with its file; and everything of both that found no partner, counted or named.
import { join } from 'node:path'
import { fileOf, listImages } from './folder'
import { readLabels, type LabelledScan } from './list'
import { LabelError } from './text'

/** A listed scan or annotation that is not used, and why. */
export interface Refused {
  name: string
  reason: string
}
export interface Matched {
  scans: (LabelledScan & { path: string })[]
  /** listed scans of which the folder has two files */
  refused: Refused[]
  /** listed scans that the folder has not */
  notInFolder: number
  /** scans of the folder that the list has not */
  notInList: number
}

/** Throws LabelError where the list is none, Error where list or folder can't be read or no listed scan is in the folder. */
export function matchScans(folder: string, list: string): Matched {
  const images = listImages(folder)
  const listed = readLabels(list)
  const matched: Matched = { scans: [], refused: [], notInFolder: 0, notInList: 0 }
  const used = new Set<string>()
  for (const scan of listed) {
    try {
      const file = fileOf(scan, images)
      if (file === null) matched.notInFolder += 1
      else {
        used.add(file)
        matched.scans.push({ ...scan, path: join(folder, file) })
      }
    } catch (error) {
      if (!(error instanceof LabelError)) throw error
      matched.refused.push({ name: scan.name, reason: error.message })
    }
  }
  if (matched.scans.length + matched.refused.length === 0)
    throw new Error(`None of the ${listed.length} listed scans is in ${folder}.`)
  matched.notInList = images.files.filter((file) => !used.has(file)).length
  return matched
}
