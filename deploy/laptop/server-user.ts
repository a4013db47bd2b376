import { execFile, execFileSync } from 'node:child_process'
import { statSync } from 'node:fs'
import { promisify } from 'node:util'

const execute = promisify(execFile)

/** Who the database server runs as. Empty: as ourselves. */
export type Identity = { readonly uid?: number; readonly gid?: number }

/**
 * PostgreSQL refuses to run as root, so root hands it to whoever owns the cluster already, else to the system user
 * `postgres`, which is made when it is missing.
 */
export async function serverIdentity(cluster: string): Promise<Identity> {
  if (process.geteuid?.() !== 0) {
    return {}
  }
  const owner = statSync(cluster, { throwIfNoEntry: false })
  if (owner && owner.uid !== 0) {
    return { uid: owner.uid, gid: owner.gid }
  }
  const known = await postgresUser()
  if (known) {
    return known
  }
  await createUser()
  const created = await postgresUser()
  if (!created) {
    throw new Error('the user postgres was created but cannot be found; see /etc/nsswitch.conf')
  }
  return created
}

/** The ids of the system user `postgres`, if there is one. */
export async function postgresUser(): Promise<Required<Identity> | undefined> {
  const id = async (flag: string): Promise<number> =>
    Number((await execute('id', [flag, 'postgres'])).stdout)
  try {
    return { uid: await id('-u'), gid: await id('-g') }
  } catch {
    return undefined
  }
}

/** Whether that identity can really enter the directory and write there; tried, not computed from mode bits. */
export function canUse(directory: string, identity: Identity): boolean {
  try {
    // -P: through the real path, as the server will go.
    const script = 'cd -P "$1" && : > .probe && rm .probe'
    execFileSync('/bin/sh', ['-c', script, 'sh', directory], {
      ...identity,
      cwd: '/',
      stdio: 'ignore',
    })
    return true
  } catch {
    return false
  }
}

async function createUser(): Promise<void> {
  try {
    await execute('useradd', ['--system', '--user-group', '--no-create-home', 'postgres'])
  } catch (cause) {
    throw new Error(
      'PostgreSQL does not run as root, and the user postgres cannot be created for it. ' +
        'Create one (useradd --system postgres), run as an ordinary user, or set DATABASE_URL.',
      { cause },
    )
  }
}
