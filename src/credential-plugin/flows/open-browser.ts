/** Opens the browser: that of BROWSER, or of the system. */
import open from 'open'

/** `false` if there is no program for it. */
export async function openBrowser (url: URL): Promise<boolean> {
  // xdg-open looks at it only where it finds no desktop
  const name = process.platform === 'linux' ? process.env['BROWSER']?.split(':')[0] : undefined
  try {
    const opener = await open(url.href, name === undefined || name === '' ? {} : { app: { name } })
    opener.on('error', () => {})
    return true
  } catch {
    return false
  }
}
