/**
 * The only script: copies a field to the clipboard. Without it, the buttons stay
 * hidden, and the fields can be selected by hand.
 */
export const SCRIPT = `'use strict'
for (const button of document.querySelectorAll('button[data-copy]')) {
  const field = document.getElementById(button.dataset.copy)
  const status = document.getElementById(button.dataset.status)
  button.hidden = false
  button.addEventListener('click', async () => {
    status.textContent = ''
    let copied
    try {
      await navigator.clipboard.writeText(field.value)
      copied = true
    } catch {
      field.select()
      copied = document.execCommand('copy')
      button.focus()
    }
    status.textContent = copied ? button.dataset.copied : button.dataset.failed
  })
}
`
