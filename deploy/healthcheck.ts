// Asks a process of this machine whether it lives: node deploy/healthcheck.ts PORT. The container's own check.

const [port = '3000'] = process.argv.slice(2)
const answer = await fetch(`http://127.0.0.1:${port}/health/live`, {
  signal: AbortSignal.timeout(2500),
}).catch(() => undefined)
process.exitCode = answer?.ok === true ? 0 : 1
