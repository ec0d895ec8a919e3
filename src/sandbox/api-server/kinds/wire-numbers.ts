// Field numbers of the built-in types in Kubernetes' protobuf form, in which kubectl sends what it builds itself (`kubectl
// create deployment`, `kubectl auth can-i`). `name=1(inner=2)` is a message that exists on the wire only: its fields belong to the outer object.

/** One line a type: `Type: field=number ...`. */
export const WIRE_NUMBERS = `
ObjectMeta: name=1 generateName=2 namespace=3 selfLink=4 uid=5 resourceVersion=6 generation=7 creationTimestamp=8 deletionTimestamp=9 deletionGracePeriodSeconds=10 labels=11 annotations=12 ownerReferences=13 finalizers=14 managedFields=17
OwnerReference: kind=1 name=3 uid=4 apiVersion=5 controller=6 blockOwnerDeletion=7
LabelSelector: matchLabels=1 matchExpressions=2
LabelSelectorRequirement: key=1 operator=2 values=3
ManagedFieldsEntry: manager=1 operation=2 apiVersion=3 time=4 fieldsType=6 fieldsV1=7 subresource=8
LocalObjectReference: name=1
ObjectReference: kind=1 namespace=2 name=3 uid=4 apiVersion=5 resourceVersion=6 fieldPath=7
TypedLocalObjectReference: apiGroup=1 kind=2 name=3
TypedObjectReference: apiGroup=1 kind=2 name=3 namespace=4
SecretReference: name=1 namespace=2
Namespace: metadata=1 spec=2
NamespaceSpec: finalizers=1
Pod: metadata=1 spec=2
PodTemplateSpec: metadata=1 spec=2
DeleteOptions: gracePeriodSeconds=1 preconditions=2 orphanDependents=3 propagationPolicy=4 dryRun=5 ignoreStoreReadErrorWithClusterBreakingPotential=6
Preconditions: uid=1 resourceVersion=2
PodSpec: volumes=1 initContainers=20 containers=2 ephemeralContainers=34 restartPolicy=3 terminationGracePeriodSeconds=4 activeDeadlineSeconds=5 dnsPolicy=6 nodeSelector=7 serviceAccountName=8 serviceAccount=9 automountServiceAccountToken=21 nodeName=10 hostNetwork=11 hostPID=12 hostIPC=13 shareProcessNamespace=27 securityContext=14 imagePullSecrets=15 hostname=16 subdomain=17 affinity=18 schedulerName=19 tolerations=22 hostAliases=23 priorityClassName=24 priority=25 dnsConfig=26 readinessGates=28 runtimeClassName=29 enableServiceLinks=30 preemptionPolicy=31 overhead=32 topologySpreadConstraints=33 setHostnameAsFQDN=35 os=36 hostUsers=37 schedulingGates=38 resourceClaims=39 resources=40 hostnameOverride=41
PodOS: name=1
PodReadinessGate: conditionType=1
PodSchedulingGate: name=1
PodResourceClaim: name=1 resourceClaimName=3 resourceClaimTemplateName=4
PodDNSConfig: nameservers=1 searches=2 options=3
PodDNSConfigOption: name=1 value=2
HostAlias: ip=1 hostnames=2
Toleration: key=1 operator=2 value=3 effect=4 tolerationSeconds=5
TopologySpreadConstraint: maxSkew=1 topologyKey=2 whenUnsatisfiable=3 labelSelector=4 minDomains=5 nodeAffinityPolicy=6 nodeTaintsPolicy=7 matchLabelKeys=8
PodSecurityContext: seLinuxOptions=1 windowsOptions=8 runAsUser=2 runAsGroup=6 runAsNonRoot=3 supplementalGroups=4 supplementalGroupsPolicy=12 fsGroup=5 sysctls=7 fsGroupChangePolicy=9 seccompProfile=10 appArmorProfile=11 seLinuxChangePolicy=13
SELinuxOptions: user=1 role=2 type=3 level=4
SeccompProfile: type=1 localhostProfile=2
AppArmorProfile: type=1 localhostProfile=2
Sysctl: name=1 value=2
Affinity: nodeAffinity=1 podAffinity=2 podAntiAffinity=3
NodeAffinity: requiredDuringSchedulingIgnoredDuringExecution=1 preferredDuringSchedulingIgnoredDuringExecution=2
NodeSelector: nodeSelectorTerms=1
NodeSelectorTerm: matchExpressions=1 matchFields=2
NodeSelectorRequirement: key=1 operator=2 values=3
PreferredSchedulingTerm: weight=1 preference=2
PodAffinity: requiredDuringSchedulingIgnoredDuringExecution=1 preferredDuringSchedulingIgnoredDuringExecution=2
PodAffinityTerm: labelSelector=1 namespaces=2 topologyKey=3 namespaceSelector=4 matchLabelKeys=5 mismatchLabelKeys=6
WeightedPodAffinityTerm: weight=1 podAffinityTerm=2
Container: name=1 image=2 command=3 args=4 workingDir=5 ports=6 envFrom=19 env=7 resources=8 resizePolicy=23 restartPolicy=24 restartPolicyRules=25 volumeMounts=9 volumeDevices=21 livenessProbe=10 readinessProbe=11 startupProbe=22 lifecycle=12 terminationMessagePath=13 terminationMessagePolicy=20 imagePullPolicy=14 securityContext=15 stdin=16 stdinOnce=17 tty=18
EphemeralContainer: ephemeralContainerCommon=1(name=1,image=2,command=3,args=4,workingDir=5,ports=6,envFrom=19,env=7,resources=8,volumeMounts=9,lifecycle=12,terminationMessagePath=13,terminationMessagePolicy=20,imagePullPolicy=14,securityContext=15,stdin=16,stdinOnce=17,tty=18) targetContainerName=2
ContainerResizePolicy: resourceName=1 restartPolicy=2
ContainerPort: name=1 hostPort=2 containerPort=3 protocol=4 hostIP=5
EnvFromSource: prefix=1 configMapRef=2 secretRef=3
OptionalReference: localObjectReference=1(name=1) optional=2
EnvVar: name=1 value=2 valueFrom=3
EnvVarSource: fieldRef=1 resourceFieldRef=2 configMapKeyRef=3 secretKeyRef=4 fileKeyRef=5
ObjectFieldSelector: apiVersion=1 fieldPath=2
ResourceFieldSelector: containerName=1 resource=2 divisor=3
KeySelector: localObjectReference=1(name=1) key=2 optional=3
ResourceRequirements: limits=1 requests=2 claims=3
ResourceClaim: name=1 request=2
VolumeMount: name=1 readOnly=2 recursiveReadOnly=7 mountPath=3 subPath=4 mountPropagation=5 subPathExpr=6
VolumeDevice: name=1 devicePath=2
Probe: handler=1(exec=1,httpGet=2,tcpSocket=3,grpc=4) initialDelaySeconds=2 timeoutSeconds=3 periodSeconds=4 successThreshold=5 failureThreshold=6 terminationGracePeriodSeconds=7
ExecAction: command=1
HTTPGetAction: path=1 port=2 host=3 scheme=4 httpHeaders=5
HTTPHeader: name=1 value=2
TCPSocketAction: port=1 host=2
GRPCAction: port=1 service=2
SleepAction: seconds=1
Lifecycle: postStart=1 preStop=2 stopSignal=3
LifecycleHandler: exec=1 httpGet=2 tcpSocket=3 sleep=4
SecurityContext: capabilities=1 privileged=2 seLinuxOptions=3 windowsOptions=10 runAsUser=4 runAsGroup=8 runAsNonRoot=5 readOnlyRootFilesystem=6 allowPrivilegeEscalation=7 procMount=9 seccompProfile=11 appArmorProfile=12
Capabilities: add=1 drop=2
Volume: name=1 volumeSource=2(hostPath=1,emptyDir=2,gcePersistentDisk=3,awsElasticBlockStore=4,secret=6,nfs=7,iscsi=8,persistentVolumeClaim=10,downwardAPI=16,configMap=19,projected=26,csi=28,ephemeral=29,image=30)
HostPathVolumeSource: path=1 type=2
EmptyDirVolumeSource: medium=1 sizeLimit=2
SecretVolumeSource: secretName=1 items=2 defaultMode=3 optional=4
ConfigMapVolumeSource: localObjectReference=1(name=1) items=2 defaultMode=3 optional=4
KeyToPath: key=1 path=2 mode=3
DownwardAPIVolumeSource: items=1 defaultMode=2
DownwardAPIVolumeFile: path=1 fieldRef=2 resourceFieldRef=3 mode=4
ProjectedVolumeSource: sources=1 defaultMode=2
VolumeProjection: secret=1 downwardAPI=2 configMap=3 serviceAccountToken=4 clusterTrustBundle=5 podCertificate=6
ConfigProjection: localObjectReference=1(name=1) items=2 optional=4
DownwardAPIProjection: items=1
ServiceAccountTokenProjection: audience=1 expirationSeconds=2 path=3
PersistentVolumeClaimVolumeSource: claimName=1 readOnly=2
Binding: metadata=1 target=2
Service: metadata=1 spec=2
ServiceSpec: ports=1 selector=2 clusterIP=3 clusterIPs=18 type=4 externalIPs=5 sessionAffinity=7 loadBalancerIP=8 loadBalancerSourceRanges=9 externalName=10 externalTrafficPolicy=11 healthCheckNodePort=12 publishNotReadyAddresses=13 sessionAffinityConfig=14 ipFamilies=19 ipFamilyPolicy=17 allocateLoadBalancerNodePorts=20 loadBalancerClass=21 internalTrafficPolicy=22 trafficDistribution=23
SessionAffinityConfig: clientIP=1
ClientIPConfig: timeoutSeconds=1
ServicePort: name=1 protocol=2 appProtocol=6 port=3 targetPort=4 nodePort=5
Endpoints: metadata=1 subsets=2
EndpointSubset: addresses=1 notReadyAddresses=2 ports=3
EndpointAddress: ip=1 hostname=3 nodeName=4 targetRef=2
EndpointPortV1: name=1 port=2 protocol=3 appProtocol=4
ConfigMap: metadata=1 immutable=4 data=2 binaryData=3
Secret: metadata=1 immutable=5 data=2 stringData=4 type=3
ServiceAccount: metadata=1 secrets=2 imagePullSecrets=3 automountServiceAccountToken=4
Node: metadata=1 spec=2
NodeSpec: podCIDR=1 podCIDRs=7 providerID=3 unschedulable=4 taints=5 configSource=6 externalID=2
Taint: key=1 value=2 effect=3 timeAdded=4
Event: metadata=1 involvedObject=2 reason=3 message=4 source=5 firstTimestamp=6 lastTimestamp=7 count=8 type=9 eventTime=10 series=11 action=12 related=13 reportingComponent=14 reportingInstance=15
EventSource: component=1 host=2
EventSeries: count=1 lastObservedTime=2
EventV1: metadata=1 eventTime=2 series=3 reportingController=4 reportingInstance=5 action=6 reason=7 regarding=8 related=9 note=10 type=11 deprecatedSource=12 deprecatedFirstTimestamp=13 deprecatedLastTimestamp=14 deprecatedCount=15
PersistentVolumeClaim: metadata=1 spec=2
PersistentVolumeClaimSpec: accessModes=1 selector=4 resources=2 volumeName=3 storageClassName=5 volumeMode=6 dataSource=7 dataSourceRef=8 volumeAttributesClassName=9
ReplicationController: metadata=1 spec=2
ReplicationControllerSpec: replicas=1 minReadySeconds=4 selector=2 template=3
ResourceQuota: metadata=1 spec=2
ResourceQuotaSpec: hard=1 scopes=2 scopeSelector=3
LimitRange: metadata=1 spec=2
LimitRangeSpec: limits=1
LimitRangeItem: type=1 max=2 min=3 default=4 defaultRequest=5 maxLimitRequestRatio=6
EndpointSlice: metadata=1 addressType=4 endpoints=2 ports=3
Endpoint: addresses=1 conditions=2 hostname=3 targetRef=4 deprecatedTopology=5 nodeName=6 zone=7 hints=8
EndpointConditions: ready=1 serving=2 terminating=3
EndpointPort: name=1 protocol=2 port=3 appProtocol=4
Lease: metadata=1 spec=2
LeaseSpec: holderIdentity=1 leaseDurationSeconds=2 acquireTime=3 renewTime=4 leaseTransitions=5 strategy=6 preferredHolder=7
PriorityClass: metadata=1 value=2 globalDefault=3 description=4 preemptionPolicy=5
StorageClass: metadata=1 provisioner=2 parameters=3 reclaimPolicy=4 mountOptions=5 allowVolumeExpansion=6 volumeBindingMode=7 allowedTopologies=8
Deployment: metadata=1 spec=2
DeploymentSpec: replicas=1 selector=2 template=3 strategy=4 minReadySeconds=5 revisionHistoryLimit=6 paused=7 progressDeadlineSeconds=9
DeploymentStrategy: type=1 rollingUpdate=2
RollingUpdateDeployment: maxUnavailable=1 maxSurge=2
ReplicaSet: metadata=1 spec=2
ReplicaSetSpec: replicas=1 minReadySeconds=4 selector=2 template=3
DaemonSet: metadata=1 spec=2
DaemonSetSpec: selector=1 template=2 updateStrategy=3 minReadySeconds=4 revisionHistoryLimit=6
DaemonSetUpdateStrategy: type=1 rollingUpdate=2
RollingUpdateDaemonSet: maxUnavailable=1 maxSurge=2
StatefulSet: metadata=1 spec=2
StatefulSetSpec: replicas=1 selector=2 template=3 volumeClaimTemplates=4 serviceName=5 podManagementPolicy=6 updateStrategy=7 revisionHistoryLimit=8 minReadySeconds=9 persistentVolumeClaimRetentionPolicy=10 ordinals=11
StatefulSetClaimRetention: whenDeleted=1 whenScaled=2
StatefulSetOrdinals: start=1
StatefulSetUpdateStrategy: type=1 rollingUpdate=2
ControllerRevision: metadata=1 data=2 revision=3
Job: metadata=1 spec=2
JobSpec: parallelism=1 completions=2 activeDeadlineSeconds=3 podFailurePolicy=11 successPolicy=16 backoffLimit=7 backoffLimitPerIndex=12 maxFailedIndexes=13 selector=4 manualSelector=5 template=6 ttlSecondsAfterFinished=8 completionMode=9 suspend=10 podReplacementPolicy=14 managedBy=15
CronJob: metadata=1 spec=2
CronJobSpec: schedule=1 timeZone=8 startingDeadlineSeconds=2 concurrencyPolicy=3 suspend=4 jobTemplate=5 successfulJobsHistoryLimit=6 failedJobsHistoryLimit=7
JobTemplateSpec: metadata=1 spec=2
HorizontalPodAutoscaler: metadata=1 spec=2
HorizontalPodAutoscalerV1: metadata=1 spec=2
HorizontalPodAutoscalerV1Spec: scaleTargetRef=1 minReplicas=2 maxReplicas=3 targetCPUUtilizationPercentage=4
HorizontalPodAutoscalerSpec: scaleTargetRef=1 minReplicas=2 maxReplicas=3 metrics=4 behavior=5
CrossVersionObjectReference: kind=1 name=2 apiVersion=3
PodDisruptionBudget: metadata=1 spec=2
PodDisruptionBudgetSpec: minAvailable=1 selector=2 maxUnavailable=3 unhealthyPodEvictionPolicy=4
Eviction: metadata=1 deleteOptions=2
NetworkPolicy: metadata=1 spec=2
NetworkPolicySpec: podSelector=1 ingress=2 egress=3 policyTypes=4
NetworkPolicyIngressRule: ports=1 from=2
NetworkPolicyEgressRule: ports=1 to=2
NetworkPolicyPort: protocol=1 port=2 endPort=3
NetworkPolicyPeer: podSelector=1 namespaceSelector=2 ipBlock=3
IPBlock: cidr=1 except=2
Ingress: metadata=1 spec=2
IngressSpec: ingressClassName=4 defaultBackend=1 tls=2 rules=3
IngressBackend: service=4 resource=3
IngressServiceBackend: name=1 port=2
ServiceBackendPort: name=1 number=2
IngressTLS: hosts=1 secretName=2
IngressRule: host=1 ingressRuleValue=2(http=1)
HTTPIngressRuleValue: paths=1
HTTPIngressPath: path=1 pathType=3 backend=2
IngressClass: metadata=1 spec=2
IngressClassSpec: controller=1 parameters=2
Role: metadata=1 rules=2
ClusterRole: metadata=1 rules=2 aggregationRule=3
AggregationRule: clusterRoleSelectors=1
PolicyRule: verbs=1 apiGroups=2 resources=3 resourceNames=4 nonResourceURLs=5
RoleBinding: metadata=1 subjects=2 roleRef=3
ClusterRoleBinding: metadata=1 subjects=2 roleRef=3
Subject: kind=1 apiGroup=2 name=3 namespace=4
RoleRef: apiGroup=1 kind=2 name=3
Scale: metadata=1 spec=2
ScaleSpec: replicas=1
TokenReview: metadata=1 spec=2
TokenReviewSpec: token=1 audiences=2
TokenRequest: metadata=1 spec=2
TokenRequestSpec: audiences=1 expirationSeconds=4 boundObjectRef=3
BoundObjectReference: kind=1 apiVersion=2 name=3 uid=4
SelfSubjectReview: metadata=1
SubjectAccessReview: metadata=1 spec=2
LocalSubjectAccessReview: metadata=1 spec=2
SelfSubjectAccessReview: metadata=1 spec=2
SubjectAccessReviewSpec: resourceAttributes=1 nonResourceAttributes=2 user=3 groups=4 extra=5 uid=6
ResourceAttributes: namespace=1 verb=2 group=3 version=4 resource=5 subresource=6 name=7 fieldSelector=8 labelSelector=9
NonResourceAttributes: path=1 verb=2
SelfSubjectRulesReview: metadata=1 spec=2
SelfSubjectRulesReviewSpec: namespace=1
RollingUpdateStatefulSet: partition=1 maxUnavailable=2
`;
