/** The page that the browser shows in the end. It needs nothing but itself. */
import { createHash } from 'node:crypto'
import { html } from 'ghtml'

const STYLE = ':root{color-scheme:light dark}body{font:1.125rem/1.5 system-ui,sans-serif;max-width:32rem;margin:20vh auto;padding:0 1rem}'

/** The name of an account or of a directory may stand in the URL: no other page sees it. */
export const PAGE_HEADERS: Readonly<Record<string, string>> = {
  'content-type': 'text/html; charset=utf-8',
  'content-security-policy': `default-src 'none'; style-src 'sha256-${createHash('sha256').update(STYLE).digest('base64')}'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'`,
  'referrer-policy': 'no-referrer',
  'cache-control': 'no-store',
  'x-content-type-options': 'nosniff',
  'cross-origin-opener-policy': 'same-origin',
  connection: 'close'
}

export function signedInPage (): string {
  return page('Signed in', 'You are signed in. You can close this tab.')
}

/** @param message in which the sign-in service may quote anything */
export function failedPage (message: string): string {
  return page('Not signed in', message, 'You can close this tab and return to the terminal.')
}

function page (title: string, ...paragraphs: readonly string[]): string {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title>
<style>!${STYLE}</style>
</head>
<body>
<main>
<h1>${title}</h1>
!${paragraphs.map(text => html`<p>${text}</p>`).join('\n')}
</main>
</body>
</html>
`
}
