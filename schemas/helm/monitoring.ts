/** `metrics:` of the chart, for the Prometheus operator and the Grafana sidecar. */
import { ForeignDuration } from '../primitives.js'
import { Flag, Group, KubernetesList, StringMap, Text } from './kubernetes.js'

const scrape = {
  interval: ForeignDuration('30s', 'Interval between scrapes.'),
  scrapeTimeout: ForeignDuration('10s', 'Time limit for a scrape, at most `interval`; providers are pinged for up to 2 s.'),
  labels: StringMap('Labels by which your Prometheus selects it.'),
  relabelings: KubernetesList('Relabelings before a scrape.'),
  metricRelabelings: KubernetesList('Relabelings before samples are stored.')
}

export const Metrics = Group('Monitoring. The admin listener always serves /metrics.', {
  service: Group('Headless Service for the admin port, unless that is on loopback, as in a DaemonSet without monitors.', {
    enabled: Flag(true, 'Create the Service.'),
    annotations: StringMap('Annotations of the Service, such as prometheus.io/scrape.')
  }),
  serviceMonitor: Group('ServiceMonitor of the Prometheus operator, for that Service.', { enabled: Flag(false, 'Create the ServiceMonitor.'), ...scrape }),
  podMonitor: Group('PodMonitor of the Prometheus operator, without a Service.', { enabled: Flag(false, 'Create the PodMonitor.'), ...scrape }),
  prometheusRule: Group('Alerts, each with a section in docs/runbooks.md.', {
    enabled: Flag(false, 'Create the PrometheusRule.'),
    labels: StringMap('Labels by which your Prometheus selects it.'),
    runbookURL: Text('', 'URL of docs/runbooks.md, for `runbook_url`.')
  }),
  dashboard: Group('Dashboard in a ConfigMap for the Grafana sidecar.', {
    enabled: Flag(false, 'Create the ConfigMap.'),
    labels: StringMap('Labels by which the sidecar selects it.', { grafana_dashboard: '1' }),
    annotations: StringMap('Annotations, such as its folder.')
  })
})
