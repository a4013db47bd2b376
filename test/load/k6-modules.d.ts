// What k6.ts uses of k6 2, which comes as one program and not from npm (https://grafana.com/docs/k6/latest/javascript-api/).

// oxlint-disable-next-line no-underscore-dangle -- the name is that of k6
declare const __ENV: Readonly<Record<string, string | undefined>>

declare module 'k6' {
  export function sleep(seconds: number): void
}

declare module 'k6/http' {
  type Response = {
    /** 0 where none came. */
    readonly status: number
    /** In canonical case: `Cache-Status`. */
    readonly headers: Readonly<Record<string, string>>
    readonly body: string | null
  }
  type Parameters = {
    readonly headers: Readonly<Record<string, string>>
    readonly timeout: string
    readonly tags: Readonly<Record<string, string>>
  }
  const http: { get(url: string, parameters: Parameters): Response }
  export default http
}

declare module 'k6/metrics' {
  export class Counter {
    constructor(name: string)
    add(value: number): void
  }
  export class Rate {
    constructor(name: string)
    add(value: boolean): void
  }
}
