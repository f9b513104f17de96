/** `metrics:` of the chart: what Prometheus' operator and Grafana's sidecar look for. */
import { ForeignDuration } from '../primitives.js'
import { Flag, Group, KubernetesList, StringMap, Text } from './kubernetes.js'

const scrape = {
  interval: ForeignDuration('30s', 'Between two scrapes.'),
  scrapeTimeout: ForeignDuration('10s', 'For an answer, at most `interval`; providers are pinged for up to 2 s.'),
  labels: StringMap('What your Prometheus selects by.'),
  relabelings: KubernetesList('Before the scrape.'),
  metricRelabelings: KubernetesList('Before it is stored.')
}

export const Metrics = Group('Monitoring. The admin listener serves /metrics in any case.', {
  service: Group('A headless Service over the admin port, unless that is on loopback, as in a DaemonSet that nobody scrapes.', {
    enabled: Flag(true, 'Create the Service.'),
    annotations: StringMap('Annotations of the Service, such as prometheus.io/scrape.')
  }),
  serviceMonitor: Group('For Prometheus\' operator, through that Service.', { enabled: Flag(false, 'Create the ServiceMonitor.'), ...scrape }),
  podMonitor: Group('The same without a Service.', { enabled: Flag(false, 'Create the PodMonitor.'), ...scrape }),
  prometheusRule: Group('Alerts; each has its page in docs/runbooks.md.', {
    enabled: Flag(false, 'Create the PrometheusRule.'),
    labels: StringMap('What your Prometheus selects by.'),
    runbookURL: Text('', 'Where docs/runbooks.md can be read, for `runbook_url`.')
  }),
  dashboard: Group('A ConfigMap for Grafana\'s sidecar.', {
    enabled: Flag(false, 'Create the ConfigMap.'),
    labels: StringMap('What the sidecar selects by.', { grafana_dashboard: '1' }),
    annotations: StringMap('Such as its folder.')
  })
})
