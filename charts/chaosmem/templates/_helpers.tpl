{{- define "chaosmem.name" -}}
{{ default .Chart.Name .Values.nameOverride | trunc 40 | trimSuffix "-" }}
{{- end }}

{{/* At most 40 characters: names of CronJobs may have 52, and experiments have theirs in them. */}}
{{- define "chaosmem.fullname" -}}
{{- $name := include "chaosmem.name" . -}}
{{- if .Values.fullnameOverride -}}
{{ .Values.fullnameOverride | trunc 40 | trimSuffix "-" }}
{{- else if contains $name .Release.Name -}}
{{ .Release.Name | trunc 40 | trimSuffix "-" }}
{{- else -}}
{{ printf "%s-%s" .Release.Name $name | trunc 40 | trimSuffix "-" }}
{{- end -}}
{{- end }}

{{- define "chaosmem.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{ default (include "chaosmem.fullname" .) .Values.serviceAccount.name }}
{{- else -}}
{{ default "default" .Values.serviceAccount.name }}
{{- end -}}
{{- end }}

{{- define "chaosmem.selectorLabels" -}}
app.kubernetes.io/name: {{ include "chaosmem.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "chaosmem.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{ include "chaosmem.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end }}

{{- define "chaosmem.image" -}}
{{- with .Values.image -}}
{{- if .digest -}}
{{ .repository }}@{{ .digest }}
{{- else -}}
{{ .repository }}:{{ default $.Chart.AppVersion .tag }}
{{- end -}}
{{- end -}}
{{- end }}

{{/* A binding of the release's ServiceAccount; a list of kind, name and namespace ("" for the cluster). */}}
{{- define "chaosmem.binding" -}}
{{- $root := index . 0 -}}{{- $name := index . 1 -}}{{- $namespace := index . 2 -}}
apiVersion: rbac.authorization.k8s.io/v1
kind: {{ ternary "RoleBinding" "ClusterRoleBinding" (ne $namespace "") }}
metadata:
  name: {{ $name }}
  {{- with $namespace }}
  namespace: {{ . }}
  {{- end }}
  labels:
    {{- include "chaosmem.labels" $root | nindent 4 }}
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: {{ ternary "Role" "ClusterRole" (ne $namespace "") }}
  name: {{ $name }}
subjects:
  - kind: ServiceAccount
    name: {{ include "chaosmem.serviceAccountName" $root }}
    namespace: {{ $root.Release.Namespace }}
{{- end }}

{{/* What every pod of the release has alike: PodSecurity `restricted`, a root that cannot be written. */}}
{{- define "chaosmem.podSpec" -}}
serviceAccountName: {{ include "chaosmem.serviceAccountName" . }}
restartPolicy: Never
{{- with .Values.image.pullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
securityContext:
  runAsNonRoot: true
  runAsUser: 65532
  runAsGroup: 65532
  fsGroup: 65532
  fsGroupChangePolicy: OnRootMismatch
  seccompProfile: {type: RuntimeDefault}
{{- with .Values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with .Values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{- define "chaosmem.container" -}}
image: {{ include "chaosmem.image" . }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities: {drop: [ALL]}
resources:
  {{- toYaml .Values.resources | nindent 2 }}
{{- end }}

{{/* Where results go, as the runner's environment. */}}
{{- define "chaosmem.env" -}}
{{- with .Values.results.postgresql }}{{ if .urlSecret }}
- name: CHAOSMEM_DB
  valueFrom: {secretKeyRef: {name: {{ .urlSecret }}, key: {{ .urlKey }}}}
{{- end }}{{ end }}
{{- with .Values.results.objectStorage }}{{ if .url }}
- {name: CHAOSMEM_ARCHIVE, value: {{ .url | quote }}}
- {name: AWS_REGION, value: {{ .region | quote }}}
{{- with .endpoint }}
- {name: AWS_ENDPOINT_URL, value: {{ . | quote }}}
{{- end }}
{{- if .allowHttp }}
- {name: AWS_ALLOW_HTTP, value: "true"}
{{- end }}
{{- end }}{{ end }}
{{- with .Values.env }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "chaosmem.envFrom" -}}
{{- with .Values.results.objectStorage }}{{ if and .url .credentialsSecret }}
- secretRef: {name: {{ .credentialsSecret }}}
{{- end }}{{ end }}
{{- with .Values.envFrom }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* An experiment's text; fails where it is none, or acts where the release has no rights. */}}
{{- define "chaosmem.experiment" -}}
{{- $root := index . 0 -}}{{- $name := index . 1 -}}{{- $spec := (index . 2).spec -}}
{{- $text := ternary $spec (toYaml $spec) (kindIs "string" $spec) -}}
{{- $read := fromYaml $text -}}
{{- if hasKey $read "Error" }}{{ fail (printf "experiments.%s.spec is not YAML: %s" $name $read.Error) }}{{ end -}}
{{- $pods := dig "target" "kubernetes" dict $read -}}
{{- if not $pods }}{{ fail (printf "experiments.%s.spec has no target.kubernetes: a schedule in a cluster acts on pods" $name) }}{{ end -}}
{{- if not (has $pods.namespace $root.Values.targets.namespaces) }}{{ fail (printf "experiments.%s.spec acts on namespace %q, which is not in targets.namespaces: the release would have no rights there" $name $pods.namespace) }}{{ end -}}
{{- $control := default "chaosmem" $pods.controlNamespace -}}
{{- if ne $control $root.Values.control.namespace }}{{ fail (printf "experiments.%s.spec has controlNamespace %q, but control.namespace is %q: write the same in both" $name $control $root.Values.control.namespace) }}{{ end -}}
{{ $text }}
{{- end }}
