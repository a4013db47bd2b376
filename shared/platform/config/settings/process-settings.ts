import { choice, text } from '../kinds.ts'
import { defineSettings, environments } from '../setting.ts'

/** What holds for every process: where it runs, what it logs, where it may write. */
export const processSettings = defineSettings({
  NODE_ENV: {
    schema: choice(...environments),
    standard: 'development',
    meaning: 'In production nothing is embedded and secrets have no default.',
  },
  LOG_LEVEL: {
    schema: choice('fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'),
    standard: 'info',
    meaning:
      'The least important line that is still written; debug adds one line per statement and cache decision.',
  },
  DATA_DIR: {
    schema: text('a directory'),
    standard: '.data',
    meaning: 'Where `npm start` keeps its embedded servers and demo.json. Not used in production.',
  },
})
