// The feed's own folder: whether it is still the one on the same disk or share, and what its file system can be trusted with.
import { readFile, realpath, stat, statfs } from 'node:fs/promises'
import { sep } from 'node:path'
import { codeOf } from '../../domain/scan/words'

/** A line of /proc/self/mountinfo. */
export interface Mount {
  point: string
  type: string
  source: string
}
export interface RootLook {
  /** links resolved */
  real: string
  device: bigint
  inode: bigint
  /** the file system keeps each file's moment of birth, apart from its last change */
  keepsBirth: boolean
  /** null where the system does not tell */
  mount: Mount | null
}

export async function lookAtRoot(directory: string): Promise<RootLook> {
  const real = await realpath(directory)
  const { dev, ino, birthtimeNs, ctimeNs } = await stat(real, { bigint: true })
  return {
    real,
    device: dev,
    inode: ino,
    keepsBirth: ino !== 0n && birthtimeNs !== 0n && birthtimeNs !== ctimeNs,
    mount: await mountOf(real),
  }
}

/** A folder that has become another device: what was expected, what is there now. Null while all is well. */
export class Root {
  #first: RootLook | null = null
  #now: RootLook | null = null
  #other: string | null = null

  get look(): RootLook | null {
    return this.#now
  }
  /** In plain words, while another device is in the folder's place. */
  get other(): string | null {
    return this.#other
  }

  /**
   * Takes the folder as it is now; true when it is another folder than at the last look (so that a watcher is deaf to it). `unused`: nothing has been
   * seen in it yet: a share that is mounted only now is then no other device.
   */
  take(look: RootLook, unused: boolean): boolean {
    const changed = this.#now !== null && (look.device !== this.#now.device || look.inode !== this.#now.inode)
    this.#now = look
    if (this.#first === null || (unused && isShare(look.mount))) this.#first = look
    const first = this.#first
    this.#other =
      look.device === first.device || isSameShare(first.mount, look.mount)
        ? null
        : `The folder is on another device than before (${inWords(first)}, now ${inWords(look)}): is the share away, or the disk another one?` +
          ' What comes into it is still screened. Start the station anew once it is right.'
    return changed
  }
}

const SHARES = /^(?:nfs4?|cifs|smb[23]?|smbfs|9p|afs|ceph|glusterfs|lustre|beegfs|gpfs|fuse\.(?!portal).+|drvfs|virtiofs|davfs)$/
const isShare = (mount: Mount | null): boolean => mount !== null && SHARES.test(mount.type)
/** A share that is mounted again gets another device number, and is the same by its address. */
const isSameShare = (a: Mount | null, b: Mount | null): boolean =>
  a !== null && b !== null && isShare(a) && a.type === b.type && a.source === b.source
const inWords = ({ mount, device }: RootLook): string => (mount === null ? `device ${device}` : `${mount.type} ${mount.source}`)

/** The mount that a real path lies on (Linux); null where that can't be had. */
async function mountOf(real: string): Promise<Mount | null> {
  if (process.platform !== 'linux') return null
  try {
    return deepestMount(await readFile('/proc/self/mountinfo', 'utf8'), real)
  } catch {
    return null
  }
}
/** The last mount at the deepest point above a path, as the kernel resolves it. */
export function deepestMount(mountinfo: string, path: string): Mount | null {
  let best: Mount | null = null
  for (const line of mountinfo.split('\n')) {
    const [before = '', after = ''] = line.split(' - ')
    const point = plain(before.split(' ')[4] ?? '')
    const [type = '', source = ''] = after.split(' ')
    if (point === '' || !(path === point || path.startsWith(point === sep ? point : point + sep))) continue
    if (best === null || point.length >= best.point.length) best = { point, type, source: plain(source) }
  }
  return best
}
/** mountinfo writes blanks and backslashes as octal numbers. */
const plain = (text: string): string =>
  text.replace(/\\(\d{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)))

const NETWORK = new Map([
  [0x6969, 'NFS'],
  [0x517b, 'SMB'],
  [0xff534d42, 'CIFS'],
  [0xfe534d42, 'SMB'],
  [0x65735546, 'FUSE'],
  [0x01021997, '9P'],
])
/** The network file system that a folder lies on (Linux), or null: such file systems don't report what other machines write. */
export async function networkFileSystem(directory: string): Promise<string | null> {
  if (process.platform !== 'linux') return null
  try {
    return NETWORK.get((await statfs(directory)).type >>> 0) ?? null
  } catch (error) {
    if (codeOf(error) === '') throw error
    return null
  }
}
