/**
 * One report about the reloads of several files: as long as one of them has
 * errors, a valid version of another is no success.
 */
import type { OpenContext } from '../../../src/authn/provider.js'

type Report = OpenContext['reportReload']

/** @returns for each file a function to report its reloads to */
export function reportsOf (reportReload: Report): () => Report {
  const errors = new Map<Report, unknown>()
  return () => {
    const report: Report = error => {
      if (error === undefined) errors.delete(report)
      else errors.set(report, error)
      const [first] = errors.values()
      reportReload(first)
    }
    return report
  }
}
