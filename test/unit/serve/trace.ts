// What a process and its children really do, native code included: their system calls as strace sees them, and which of them leave the house.
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'

/** strace is there and may trace (a container may forbid it). */
export const straceWorks = spawnSync('strace', ['-o', '/dev/null', 'true']).status === 0

const NETWORK = ['socket', 'connect', 'bind', 'sendto', 'sendmsg', 'sendmmsg']
const OPENS = ['open', 'openat', 'openat2', 'creat']
const CHANGES = [
  ...['mkdir', 'mkdirat', 'mknod', 'mknodat', 'rename', 'renameat', 'renameat2', 'unlink', 'unlinkat', 'rmdir', 'truncate'],
  ...['link', 'linkat', 'symlink', 'symlinkat', 'chmod', 'fchmodat', 'chown', 'lchown', 'fchownat', 'setxattr', 'utimensat'],
]

/** Command line that runs what follows it under strace, into `file`. Calls of no interest are passed over in the kernel: it costs little. */
export function traced(file: string): string[] {
  // `?`: a call that this processor has not
  const calls = [...NETWORK, ...OPENS, ...CHANGES].map((name) => `?${name}`)
  return ['strace', '-f', '--seccomp-bpf', '-y', '-s', '512', '-o', file, '-e', `trace=${calls.join(',')}`]
}

/** File operations by io_uring would be invisible to strace. */
export const TRACEABLE = { UV_USE_IO_URING: '0' }

/** Calls, each whole, where two threads' lines were interleaved. */
export function calls(file: string): string[] {
  const begun = new Map<string, string>()
  const whole: string[] = []
  for (const line of existsSync(file) ? readFileSync(file, 'utf8').split('\n') : []) {
    const [, pid = '', call = ''] = /^(\d+)\s+(.*)$/.exec(line) ?? []
    const resumed = /^<\.\.\. \w+ resumed>(.*)$/.exec(call)
    if (call.endsWith('<unfinished ...>')) begun.set(pid, call.slice(0, -'<unfinished ...>'.length))
    else if (resumed) {
      whole.push(`${begun.get(pid) ?? ''}${resumed[1] ?? ''}`)
      begun.delete(pid)
    } else if (/^\w+\(/.test(call)) whole.push(call)
  }
  return [...whole, ...begun.values()]
}

/** Calls by which something could leave this machine, or a name is looked up: any UDP, any address that is not loopback, any resolver. */
export function leaving(all: readonly string[]): string[] {
  return all.filter((call) => {
    if (/^socket\(AF_INET6?, SOCK_DGRAM/.test(call) || /^socket\(AF_(?!INET|UNIX|LOCAL)/.test(call)) return true
    if (/sa_family=AF_INET6?\b/.test(call)) return !/inet_addr\("127\.0\.0\.1"\)|inet_pton\(AF_INET6, "::1"/.test(call)
    // the name service's cache, systemd's and avahi's resolvers
    if (/sa_family=AF_UNIX/.test(call)) return /nscd|resolve|avahi|mdns/.test(call)
    // Node reads resolv.conf whenever it listens; hosts is read for a name
    return OPENS.some((name) => call.startsWith(`${name}(`)) && call.includes('"/etc/hosts"')
  })
}

const HARMLESS = /^\/(dev\/(null|tty|pts\/\d+|urandom|random)|proc\/self\/|proc\/\d+\/)/

/** Calls that write, make, move or remove a file outside `inside`; those that failed since something was there or missing are left out. */
export function writing(all: readonly string[], inside: readonly string[]): string[] {
  const folders = inside.map((folder) => resolve(folder))
  return all.filter((call) => {
    const name = /^\w+/.exec(call)?.[0] ?? ''
    const opens = OPENS.includes(name)
    if (!opens && !CHANGES.includes(name)) return false
    if (opens && name !== 'creat' && !/\bO_(WRONLY|RDWR|CREAT|TRUNC|APPEND|TMPFILE)\b/.test(call)) return false
    if (/ = -1 (EEXIST|ENOENT)\b/.test(call)) return false
    const paths = [...call.matchAll(/(?:(?:AT_FDCWD|\d+)<([^>]*)>, )?"((?:[^"\\]|\\.)*)"/g)].map(([, folder = '/', path = '']) =>
      resolve(folder, path),
    )
    return !paths.every(
      (path) => HARMLESS.test(path) || folders.some((folder) => path === folder || path.startsWith(`${folder}/`)),
    )
  })
}
