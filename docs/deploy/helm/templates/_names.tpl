{{- define "ascend.name" -}}
{{- printf "%s-ascend" .Release.Name | trunc 50 | trimSuffix "-" -}}
{{- end -}}

{{- define "ascend.selector" -}}
app.kubernetes.io/name: ascend-gateway
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "ascend.labels" -}}
{{ include "ascend.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end -}}

{{- /* What cannot work is said before anything is installed. */ -}}
{{- define "ascend.checked" -}}
{{- if eq .Values.store "sqlite" -}}
{{- if or (ne (int .Values.replicas) 1) .Values.autoscaling.enabled -}}
{{- fail "store: sqlite serves one gateway: set replicas: 1 and autoscaling.enabled: false, or store: postgresql" -}}
{{- end -}}
{{- else if not (hasKey .Values.secret.keys "ASCEND_DATABASE_URL") -}}
{{- fail "store: postgresql needs secret.keys.ASCEND_DATABASE_URL: the key of your Secret that holds the URL" -}}
{{- else if not (hasKey .Values.secret.keys "ASCEND_VAULT_KEK") -}}
{{- fail "several gateways need one key-encryption key: set secret.keys.ASCEND_VAULT_KEK" -}}
{{- end -}}
{{- if and .Values.ingress.enabled (not .Values.trustedProxies) -}}
{{- fail "ingress.enabled: set trustedProxies to the networks of the controller's pods, or all callers share one address and one rate limit" -}}
{{- end -}}
{{- end -}}
