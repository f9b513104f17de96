/** Options that several commands share. */
import { Option, type Command } from 'commander'

/** An option that is passed once for each value. */
export function repeatable (flags: string, description: string): Option {
  return new Option(flags, `${description}; repeatable`)
    .argParser((value: string, values: readonly string[] = []): string[] => [...values, value])
}

export function addConfigOption (command: Command, description = 'config file'): Command {
  return command
    .option('-c, --config <file>', description)
    .addHelpText('after', `
The default of --config is $AUTHN_WEBHOOK_CONFIG, or else the first that exists of
./authn-webhook.yaml and /etc/authn-webhook/config.yaml.`)
}
