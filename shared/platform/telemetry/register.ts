import { readTelemetrySettings } from './settings.ts'

// Loaded by `node --import` before anything else, so that instrumentation patches what the process then loads.
// Only here, besides the main files, is `process` read: nobody could hand it in earlier.

const settings = readTelemetrySettings(process.env, process.argv[1])
switch (settings.mode) {
  case 'off': {
    break
  }
  case 'ids': {
    const { startTraceIds } = await import('./trace-ids.ts')
    startTraceIds()
    break
  }
  case 'export': {
    const { startExport } = await import('./export.ts')
    startExport(settings)
    break
  }
}
