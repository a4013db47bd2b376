import { startWorkers } from '#platform/queue/workers'
import { openProcess } from '../../platform/queue/fixture.ts'
import { hastyLimits, slowJob } from './job.ts'

// A worker that is killed and frozen.

const [databaseUrl = '', redis = '', queue = ''] = process.argv.slice(2)
const opened = await openProcess(databaseUrl, redis === '' ? undefined : redis)
startWorkers(opened, [slowJob(queue)], hastyLimits)
process.on('message', () => {
  void opened.lifecycle.stop().then(() => process.exit(0))
})
process.send?.('ready')
