import { readFileSync } from 'node:fs'

/** The `sh` blocks of README.md that use the running product, in order; installing and checking are done by who runs this. */
export function readmeCommands(): readonly string[] {
  const blocks = [...readFileSync('README.md', 'utf8').matchAll(/^```sh\n(.*?)^```$/gms)].map(
    ([, text = '']) => text,
  )
  return blocks.filter((block) => !/^npm (ci|run) /m.test(block))
}

/** The TypeScript programs of README.md, in order. */
export function readmePrograms(): readonly string[] {
  const readme = readFileSync('README.md', 'utf8')
  return [...readme.matchAll(/^```ts\n(.*?)^```$/gms)].map(([, text = '']) => text)
}

/** One bash script that ends at the first failure, whose curls each say what they answered on a line of its own.
 *  `curl` is a function of the script, so that an empty answer fails where it comes, also within `$( … )`. */
export function toScript(blocks: readonly string[], summaryPath: string): string {
  const body = blocks.join('\n').replaceAll('.data/demo.json', summaryPath)
  return `set -euo pipefail
shopt -s inherit_errexit
curl() {
  local answer
  answer=$(command curl "$@")
  [ -n "$answer" ]
  echo "$answer"
}
${body}`
}
