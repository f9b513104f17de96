/** What `work` gives, or a rejection with the signal's reason if that comes first. `work` itself goes on: others may wait for it. */
export async function unlessAborted<T> (work: Promise<T>, signal: AbortSignal): Promise<T> {
  let leave!: () => void
  const left = new Promise<never>((_resolve, reject) => { leave = () => { reject(signal.reason) } })
  signal.addEventListener('abort', leave)
  if (signal.aborted) leave()
  try {
    return await Promise.race([work, left])
  } finally {
    signal.removeEventListener('abort', leave)
  }
}
