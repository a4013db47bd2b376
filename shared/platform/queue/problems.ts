import { defineProblems } from '../problem.ts'

/** What can go wrong between wanting a job done and having it done. */
export const queueProblems = defineProblems('queue', {
  unavailable: {
    kind: 'unavailable',
    title: 'The job queue cannot be reached',
    advice: 'Nothing was enqueued. Try again in a moment.',
  },
  payloadInvalid: {
    kind: 'invalid',
    title: 'The payload of the job is not valid',
    advice:
      'The job was written by a version that does not fit this one, or by hand. It is not tried again.',
  },
  jobUnknown: {
    kind: 'missing',
    title: 'No such job is defined',
    advice: 'The worker does not list a job of this name in this queue. It is not tried again.',
  },
  jobMissing: {
    kind: 'missing',
    title: 'There is no such job',
    advice: 'Look it up by its id in `jobs.list`; ids of jobs are unique within their queue.',
  },
  jobActive: {
    kind: 'conflict',
    title: 'The job runs just now',
    advice: 'Wait until it has ended; nothing was changed.',
  },
  jobNotFailed: {
    kind: 'conflict',
    title: 'The job has not failed',
    advice:
      'Only a job that was given up is run again. To do its work once more use `jobs.runNow`.',
  },
  timedOut: {
    kind: 'unavailable',
    title: 'The job took longer than it may',
    advice: 'It is tried again until its attempts are used up.',
  },
  superseded: {
    kind: 'conflict',
    title: 'Another run of the job has taken over',
    advice: 'Nothing is left to do: the other run does it, or has done it.',
  },
})
