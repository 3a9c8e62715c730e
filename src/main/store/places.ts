// Where things lie in a data folder.
import { join, resolve } from 'node:path'

export const databaseIn = (folder: string): string => join(folder, 'lanescope.sqlite')
export const archiveIn = (folder: string): string => join(folder, 'archive')
export const backupIn = (folder: string): string => join(folder, 'backup')

/** The key that was named, here or by the environment, else the one in the data folder. */
export function keyIn(folder: string, key = process.env['LANESCOPE_KEY']): string {
  return key === undefined || key === '' ? join(folder, 'lanescope.key') : resolve(key)
}
