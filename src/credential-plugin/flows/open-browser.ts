/** Opens the browser of the system. */
import open from 'open'

/** `false` if there is no program for it. */
export async function openBrowser (url: URL): Promise<boolean> {
  try {
    const opener = await open(url.href)
    opener.on('error', () => {})
    return true
  } catch {
    return false
  }
}
