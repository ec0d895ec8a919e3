// Metadata, pods and what they are made of, in the compact notation of schema/compact-schema.ts.

/** Types of metadata, pods and containers. */
export const CORE_TYPES = `
ObjectMeta: name:s generateName:s namespace:s selfLink:s uid:s resourceVersion:s generation:i creationTimestamp:t deletionTimestamp:t deletionGracePeriodSeconds:i labels:{}s annotations:{}s ownerReferences:[uid]OwnerReference finalizers:[set]s managedFields:[]ManagedFieldsEntry
OwnerReference: apiVersion!:s kind!:s name!:s uid!:s controller:b blockOwnerDeletion:b
ManagedFieldsEntry: manager:s operation:s apiVersion:s time:t fieldsType:s fieldsV1:any subresource:s
Condition: type!:s status!:s observedGeneration:i lastTransitionTime:t=null reason:s message:s
LabelSelector: matchLabels:{}s matchExpressions:[]LabelSelectorRequirement
LabelSelectorRequirement: key!:s operator!:s values:[]s
LocalObjectReference: name:s
ObjectReference: kind:s namespace:s name:s uid:s apiVersion:s resourceVersion:s fieldPath:s
TypedLocalObjectReference: apiGroup:s kind!:s name!:s
TypedObjectReference: apiGroup:s kind!:s name!:s namespace:s
SecretReference: name:s namespace:s
Namespace: apiVersion:s kind:s metadata:ObjectMeta spec:NamespaceSpec={} status:NamespaceStatus
NamespaceSpec: finalizers:[]s
NamespaceStatus: phase:s conditions:[type]NamespaceCondition
NamespaceCondition: type!:s status!:s lastTransitionTime:t=null reason:s message:s
Pod: apiVersion:s kind:s metadata:ObjectMeta spec:PodSpec={} status:PodStatus
PodTemplateSpec: metadata:ObjectMeta={} spec:PodSpec={}
PodSpec: volumes:[name]Volume initContainers:[name]Container containers:[name]Container=null ephemeralContainers:[name]EphemeralContainer restartPolicy:s=Always terminationGracePeriodSeconds:i=30 activeDeadlineSeconds:i dnsPolicy:s=ClusterFirst nodeSelector:@{}s serviceAccountName:s serviceAccount:s automountServiceAccountToken:b nodeName:s hostNetwork:b hostPID:b hostIPC:b shareProcessNamespace:b securityContext:PodSecurityContext={} imagePullSecrets:[name]LocalObjectReference hostname:s subdomain:s affinity:Affinity schedulerName:s=default-scheduler tolerations:[]Toleration hostAliases:[ip]HostAlias priorityClassName:s priority:i dnsConfig:PodDNSConfig readinessGates:[]PodReadinessGate runtimeClassName:s enableServiceLinks:b preemptionPolicy:s overhead:{}q topologySpreadConstraints:[topologyKey,whenUnsatisfiable]TopologySpreadConstraint setHostnameAsFQDN:b os:PodOS hostUsers:b schedulingGates:[name]PodSchedulingGate resourceClaims:[name]PodResourceClaim resources:ResourceRequirements hostnameOverride:s
PodOS: name!:s
PodReadinessGate: conditionType!:s
PodSchedulingGate: name!:s
PodResourceClaim: name!:s resourceClaimName:s resourceClaimTemplateName:s
PodDNSConfig: nameservers:[]s searches:[]s options:[]PodDNSConfigOption
PodDNSConfigOption: name:s value:s
HostAlias: ip!:s hostnames:[]s
Toleration: key:s operator:s value:s effect:s tolerationSeconds:i
TopologySpreadConstraint: maxSkew!:i topologyKey!:s whenUnsatisfiable!:s labelSelector:@LabelSelector minDomains:i nodeAffinityPolicy:s nodeTaintsPolicy:s matchLabelKeys:[]s
PodSecurityContext: seLinuxOptions:SELinuxOptions windowsOptions:any runAsUser:i runAsGroup:i runAsNonRoot:b supplementalGroups:[]i supplementalGroupsPolicy:s fsGroup:i sysctls:[]Sysctl fsGroupChangePolicy:s seccompProfile:SeccompProfile appArmorProfile:AppArmorProfile seLinuxChangePolicy:s
SELinuxOptions: user:s role:s type:s level:s
SeccompProfile: type!:s localhostProfile:s
AppArmorProfile: type!:s localhostProfile:s
Sysctl: name!:s value!:s
Affinity: nodeAffinity:NodeAffinity podAffinity:PodAffinity podAntiAffinity:PodAffinity
NodeAffinity: requiredDuringSchedulingIgnoredDuringExecution:@NodeSelector preferredDuringSchedulingIgnoredDuringExecution:[]PreferredSchedulingTerm
NodeSelector: nodeSelectorTerms!:[]NodeSelectorTerm
NodeSelectorTerm: matchExpressions:[]NodeSelectorRequirement matchFields:[]NodeSelectorRequirement
NodeSelectorRequirement: key!:s operator!:s values:[]s
PreferredSchedulingTerm: weight!:i preference!:NodeSelectorTerm
PodAffinity: requiredDuringSchedulingIgnoredDuringExecution:[]PodAffinityTerm preferredDuringSchedulingIgnoredDuringExecution:[]WeightedPodAffinityTerm
PodAffinityTerm: labelSelector:@LabelSelector namespaces:[]s topologyKey!:s namespaceSelector:@LabelSelector matchLabelKeys:[]s mismatchLabelKeys:[]s
WeightedPodAffinityTerm: weight!:i podAffinityTerm!:PodAffinityTerm
Container: name!:s image:s command:[]s args:[]s workingDir:s ports:[containerPort,protocol]ContainerPort envFrom:[]EnvFromSource env:[name]EnvVar resources:ResourceRequirements={} resizePolicy:[]ContainerResizePolicy restartPolicy:s restartPolicyRules:[]any volumeMounts:[mountPath]VolumeMount volumeDevices:[devicePath]VolumeDevice livenessProbe:Probe readinessProbe:Probe startupProbe:Probe lifecycle:Lifecycle terminationMessagePath:s=/dev/termination-log terminationMessagePolicy:s=File imagePullPolicy:s securityContext:SecurityContext stdin:b stdinOnce:b tty:b
EphemeralContainer: name!:s image:s command:[]s args:[]s workingDir:s ports:[containerPort,protocol]ContainerPort envFrom:[]EnvFromSource env:[name]EnvVar resources:ResourceRequirements volumeMounts:[mountPath]VolumeMount lifecycle:Lifecycle terminationMessagePath:s terminationMessagePolicy:s imagePullPolicy:s securityContext:SecurityContext stdin:b stdinOnce:b tty:b targetContainerName:s
ContainerResizePolicy: resourceName!:s restartPolicy!:s
ContainerPort: name:s hostPort:i containerPort!:i protocol:s=TCP hostIP:s
EnvFromSource: prefix:s configMapRef:OptionalReference secretRef:OptionalReference
OptionalReference: name:s optional:b
EnvVar: name!:s value:s valueFrom:EnvVarSource
EnvVarSource: fieldRef:@ObjectFieldSelector resourceFieldRef:@ResourceFieldSelector configMapKeyRef:@KeySelector secretKeyRef:@KeySelector fileKeyRef:any
ObjectFieldSelector: apiVersion:s=v1 fieldPath!:s
ResourceFieldSelector: containerName:s resource!:s divisor:q="0"
KeySelector: name:s key!:s optional:b
ResourceRequirements: limits:{}q requests:{}q claims:[name]ResourceClaim
ResourceClaim: name!:s request:s
VolumeMount: name!:s readOnly:b recursiveReadOnly:s mountPath!:s subPath:s mountPropagation:s subPathExpr:s
VolumeDevice: name!:s devicePath!:s
Probe: exec:ExecAction httpGet:HTTPGetAction tcpSocket:TCPSocketAction grpc:GRPCAction initialDelaySeconds:i timeoutSeconds:i=1 periodSeconds:i=10 successThreshold:i=1 failureThreshold:i=3 terminationGracePeriodSeconds:i
ExecAction: command:[]s
HTTPGetAction: path:s=/ port!:ios host:s scheme:s=HTTP httpHeaders:[]HTTPHeader
HTTPHeader: name!:s value!:s
TCPSocketAction: port!:ios host:s
GRPCAction: port!:i service:s=
SleepAction: seconds!:i
Lifecycle: postStart:LifecycleHandler preStop:LifecycleHandler stopSignal:s
LifecycleHandler: exec:ExecAction httpGet:HTTPGetAction tcpSocket:TCPSocketAction sleep:SleepAction
SecurityContext: capabilities:Capabilities privileged:b seLinuxOptions:SELinuxOptions windowsOptions:any runAsUser:i runAsGroup:i runAsNonRoot:b readOnlyRootFilesystem:b allowPrivilegeEscalation:b procMount:s seccompProfile:SeccompProfile appArmorProfile:AppArmorProfile
Capabilities: add:[]s drop:[]s
Volume: name!:s hostPath:HostPathVolumeSource emptyDir:EmptyDirVolumeSource secret:SecretVolumeSource configMap:ConfigMapVolumeSource downwardAPI:DownwardAPIVolumeSource projected:ProjectedVolumeSource persistentVolumeClaim:PersistentVolumeClaimVolumeSource csi:any nfs:any ephemeral:any image:any iscsi:any gcePersistentDisk:any awsElasticBlockStore:any
HostPathVolumeSource: path!:s type:s=
EmptyDirVolumeSource: medium:s sizeLimit:q
SecretVolumeSource: secretName:s items:[]KeyToPath defaultMode:i=420 optional:b
ConfigMapVolumeSource: name:s items:[]KeyToPath defaultMode:i=420 optional:b
KeyToPath: key!:s path!:s mode:i
DownwardAPIVolumeSource: items:[]DownwardAPIVolumeFile defaultMode:i=420
DownwardAPIVolumeFile: path!:s fieldRef:@ObjectFieldSelector resourceFieldRef:@ResourceFieldSelector mode:i
ProjectedVolumeSource: sources:[]VolumeProjection defaultMode:i=420
VolumeProjection: secret:ConfigProjection configMap:ConfigProjection downwardAPI:DownwardAPIProjection serviceAccountToken:ServiceAccountTokenProjection clusterTrustBundle:any podCertificate:any
ConfigProjection: name:s items:[]KeyToPath optional:b
DownwardAPIProjection: items:[]DownwardAPIVolumeFile
ServiceAccountTokenProjection: audience:s expirationSeconds:i=3600 path!:s
PersistentVolumeClaimVolumeSource: claimName!:s readOnly:b
PodStatus: observedGeneration:i phase:s conditions:[type]PodCondition message:s reason:s nominatedNodeName:s hostIP:s hostIPs:[]HostIP podIP:s podIPs:[ip]PodIP startTime:t initContainerStatuses:[]ContainerStatus containerStatuses:[]ContainerStatus ephemeralContainerStatuses:[]ContainerStatus qosClass:s resize:s resourceClaimStatuses:[]any
HostIP: ip!:s
PodIP: ip!:s
PodCondition: type!:s status!:s observedGeneration:i lastProbeTime:t=null lastTransitionTime:t=null reason:s message:s
ContainerStatus: name!:s state:ContainerState={} lastState:ContainerState={} ready:b=false restartCount:i=0 image:s="" imageID:s="" containerID:s started:b allocatedResources:{}q resources:ResourceRequirements volumeMounts:[]any user:any stopSignal:s allocatedResourcesStatus:[]any
ContainerState: waiting:ContainerStateWaiting running:ContainerStateRunning terminated:ContainerStateTerminated
ContainerStateWaiting: reason:s message:s
ContainerStateRunning: startedAt:t=null
ContainerStateTerminated: exitCode!:i signal:i reason:s message:s startedAt:t=null finishedAt:t=null containerID:s
Binding: apiVersion:s kind:s metadata:ObjectMeta target!:ObjectReference
`;
