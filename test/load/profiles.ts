/** Until its end the number of users goes in a straight line to `users`. */
export type Stage = { readonly users: number; readonly seconds: number }

/** Which stages a run goes through. `staged` is the test of S3 (REQUIREMENTS Q-13), `short` the same in a minute. */
export const profiles = {
  staged: [
    { users: 10, seconds: 120 },
    { users: 50, seconds: 180 },
    { users: 100, seconds: 120 },
    { users: 100, seconds: 180 },
    { users: 0, seconds: 120 },
  ],
  short: [
    { users: 10, seconds: 10 },
    { users: 50, seconds: 15 },
    { users: 100, seconds: 10 },
    { users: 100, seconds: 15 },
    { users: 0, seconds: 10 },
  ],
  steady: [
    { users: 100, seconds: 0 },
    { users: 100, seconds: 300 },
  ],
} as const satisfies Readonly<Record<string, readonly Stage[]>>

export type ProfileName = keyof typeof profiles

export function isProfileName(text: string): text is ProfileName {
  return Object.hasOwn(profiles, text)
}

/** Undefined is what the stages have. */
export type Size = { readonly users?: number | undefined; readonly seconds?: number | undefined }

/** The same shape with another peak and another length. */
export function scale(stages: readonly Stage[], to: Size): readonly Stage[] {
  const userShare = (to.users ?? peakOf(stages)) / peakOf(stages)
  const timeShare = (to.seconds ?? secondsOf(stages)) / secondsOf(stages)
  return stages.map(({ users, seconds }) => ({
    users: Math.round(users * userShare),
    seconds: seconds * timeShare,
  }))
}

export const peakOf = (stages: readonly Stage[]): number =>
  Math.max(...stages.map(({ users }) => users))

export const secondsOf = (stages: readonly Stage[]): number =>
  stages.reduce((sum, { seconds }) => sum + seconds, 0)

/** How many users there are so long after the start; the whole number below. */
export function usersAt(stages: readonly Stage[], atSeconds: number): number {
  let from = 0
  let startSeconds = 0
  for (const { users, seconds } of stages) {
    if (atSeconds < startSeconds + seconds) {
      return Math.floor(from + ((users - from) * (atSeconds - startSeconds)) / seconds)
    }
    from = users
    startSeconds += seconds
  }
  return from
}
