import { describeConfig } from '#config'
import { check } from './finding.ts'

/** What is not as it comes, and by which variable. */
export const checkSettings = check('settings', 'see the message', async ({ environment }) => {
  const given = describeConfig(environment, 'api')
    .filter(({ source }) => source.startsWith('variable '))
    .map(({ source, value }) => `${source.slice('variable '.length)}=${value ?? ''}`)
  return [{ state: 'ok', text: given.length > 0 ? given.join(' ') : 'all as they come' }]
})
