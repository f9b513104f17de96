/** Opens the browser: that of BROWSER, or of the system. */
import open, { type App } from 'open'

/** `false` if there is no program for it. */
export async function openBrowser (url: URL): Promise<boolean> {
  for (const app of [...appsOf(process.env['BROWSER']), undefined]) if (await openWith(app, url)) return true
  return false
}

/** xdg-open looks at it only where it finds no desktop. Commands are separated by colons; "%s" is the URL, which comes last otherwise. */
function appsOf (browser = ''): readonly App[] {
  if (process.platform !== 'linux') return []
  return browser.split(':').flatMap(command => {
    const [name, ...words] = command.split(' ').filter(word => word !== '' && word !== '%s')
    return name === undefined ? [] : [{ name, arguments: words }]
  })
}

async function openWith (app: App | undefined, url: URL): Promise<boolean> {
  try {
    const opener = await open(url.href, app === undefined ? {} : { app })
    opener.on('error', () => {})
    return true
  } catch {
    return false
  }
}
