import { globSync, readFileSync } from 'node:fs'

/** Every regular expression literal of what faces other people, checked for inputs on which it takes more than linear time. */
export async function printRedos(): Promise<void> {
  const { check } = await load('recheck')
  const { parseSync } = await load('oxc-parser')
  const found = new Map<string, { path: string; pattern: string; flags: string }>()
  for (const path of globSync('{api,worker,admin,shared,deploy}/**/*.ts')) {
    for (const { pattern, flags } of literalsIn(
      parseSync(path, readFileSync(path, 'utf8')).program,
    )) {
      found.set(`/${pattern}/${flags}`, { path, pattern, flags })
    }
  }
  let faults = 0
  for (const [literal, { path, pattern, flags }] of found) {
    const { status, complexity, attack } = await check(pattern, flags, { timeout: 20_000 })
    if (status !== 'safe') {
      faults += 1
      const how = `${status} ${complexity?.summary ?? ''} ${attack?.pattern ?? ''}`
      console.log(`${path}: ${literal}: ${how}`)
    }
  }
  console.log(`${found.size} regular expressions, ${faults} of them not linear`)
  if (faults > 0 || found.size === 0) {
    process.exitCode = 1
  }
}

type Literal = { readonly pattern: string; readonly flags: string }

function literalsIn(node: any): readonly Literal[] {
  if (node === null || typeof node !== 'object') {
    return []
  }
  const own = node.type === 'Literal' && node.regex ? [node.regex] : []
  return [...own, ...Object.values(node).flatMap(literalsIn)]
}

/** @throws {Error} that says how to install it */
async function load(name: string): Promise<any> {
  try {
    return await import(name)
  } catch (error) {
    throw new Error(`${name} is not installed: npm ci --prefix test/bench`, { cause: error })
  }
}
