import type { Fault } from './setting.ts'

/** Everything that is wrong with the environment, in one error; its message is what an operator reads. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'
  readonly faults: readonly Fault[]

  constructor(faults: readonly Fault[]) {
    const count = faults.length === 1 ? '1 setting is' : `${faults.length} settings are`
    super(`${count} wrong:\n${faults.map(line).join('\n')}`)
    this.faults = faults
  }
}

function line({ names, problem, fix }: Fault): string {
  return `  ${names.join(' and ')} ${problem}; ${fix}.`
}
