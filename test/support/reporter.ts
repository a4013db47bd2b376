import Mocha from 'mocha'

/** Mocha's own `spec` output, closed by the one line that continuous integration reads. */
export default class Closing extends Mocha.reporters.Spec {
  override epilogue(): void {
    super.epilogue()
    const { passes, failures, pending } = this.stats
    const skipped = pending > 0 ? `, ${pending} skipped` : ''
    console.log(`${passes} passed, ${failures} failed${skipped}`)
  }
}
