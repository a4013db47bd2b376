import { existsSync } from 'node:fs'

/** Adds the variables of a `.env` in the working directory, if there is one; what is set already wins.
 *  @param host the real `process`, which only a main file may name */
export function loadEnvFile(host: Pick<NodeJS.Process, 'loadEnvFile'>): void {
  if (existsSync('.env')) {
    host.loadEnvFile('.env')
  }
}
