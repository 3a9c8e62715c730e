// A list of labelled scans, as SIXray publishes it and as spreadsheets write it again.
import { parse } from 'csv-parse/sync'
import { readFileSync } from 'node:fs'
import type { Label } from '../../../domain/metrics'
import { THREAT_CLASSES } from '../../../shared/classes'
import { bare, decodeText, LabelError, readNumber } from './text'

export interface LabelledScan {
  /** the file's name without folder and extension */
  name: string
  /** the file's name as listed, where it has the extension of an image; else null */
  file: string | null
  /** 1 present, 0 absent, -1 unknown or difficult; the published files write the last two the other way */
  labels: Label[]
  /** scans of one group (a bag) are drawn together by the bootstrap; the scan's own name where the list has no `group` column */
  group: string
}

/** SIXray's files: 1 present, -1 absent, 0 difficult. */
const LABELS: Record<string, Label> = { '1': 1, '-1': 0, '0': -1 }
const EXTENSION = /\.(jpe?g|jpe|jfif|png|tiff?|webp|bmp|dib)$/i
const DELIMITERS = [',', ';', '\t']

/** Reads `name,Gun,Knife,Wrench,Pliers,Scissors[,group]`, columns in any order. Throws LabelError with file and line; Error where it can't be read. */
export function readLabels(path: string): LabelledScan[] {
  const bytes = readFileSync(path)
  try {
    return parseLabels(decodeText(bytes), path)
  } catch (error) {
    throw error instanceof LabelError && !error.message.startsWith(path) ? new LabelError(`${path}: ${error.message}.`) : error
  }
}

interface Row {
  record: string[]
  info: { lines: number }
}

function rowsOf(text: string, path: string, delimiter: string): Row[] {
  try {
    const loose = { relax_column_count: true, relax_quotes: true, skip_empty_lines: true, trim: true }
    return parse(text, { ...loose, delimiter, info: true }) as unknown as Row[]
  } catch (error) {
    throw new LabelError(`${path}: no list (${error instanceof Error ? error.message : String(error)}).`)
  }
}

function parseLabels(text: string, path: string): LabelledScan[] {
  const first = text.split(/\r\n?|\n/).find((line) => line.trim() !== '') ?? ''
  const headerBy = (delimiter: string): string[] => first.split(delimiter).map((cell) => bare(cell).toLowerCase())
  const delimiter = DELIMITERS.find((one) => headerBy(one).includes('name')) ?? ','
  const wanted = ['name', ...THREAT_CLASSES]
  const header = headerBy(delimiter)
  const missing = wanted.filter((name) => !header.includes(name))
  if (missing.length > 0) throw new LabelError(`${path}: no column ${missing.join(', ')}.`)
  const twice = wanted.find((name) => header.indexOf(name) !== header.lastIndexOf(name))
  if (twice !== undefined) throw new LabelError(`${path}: two columns ${twice}.`)
  const columns = wanted.map((name) => header.indexOf(name))
  const group = header.indexOf('group')
  const seen = new Set<string>()
  return rowsOf(text, path, delimiter)
    .slice(1)
    .flatMap(({ record, info }) => {
      const cells = record.map(bare)
      if (cells.every((cell) => cell === '')) return []
      const where = `${path}, line ${info.lines}`
      const [named = '', ...marks] = columns.map((column) => cells[column] ?? '')
      const file = named.split(/[\\/]/).at(-1) ?? ''
      const name = file.replace(EXTENSION, '')
      const labels = marks.map((mark) => LABELS[String(readNumber(mark))])
      if (name === '') throw new LabelError(`${where}: no name.`)
      if (labels.includes(undefined)) throw new LabelError(`${where}: each class must be 1, 0 or -1: ${record.join(',')}`)
      if (cells.slice(header.length).some((cell) => cell !== ''))
        throw new LabelError(`${where}: more cells than columns: ${record.join(',')}`)
      if (seen.has(name)) throw new LabelError(`${where}: ${name} is listed twice.`)
      seen.add(name)
      return [
        { name, file: file === name ? null : file, labels: labels as Label[], group: (group === -1 ? '' : cells[group]) || name },
      ]
    })
}

/** A file's name without the extension of an image. */
export const stem = (file: string): string => file.normalize('NFC').replace(EXTENSION, '')
/** Whether a file's name has the extension of an image. */
export const isImageName = (file: string): boolean => EXTENSION.test(file)
