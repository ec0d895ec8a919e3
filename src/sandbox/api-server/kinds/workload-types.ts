// Workload, policy, network and RBAC kinds. Compact notation of schema/compact-schema.ts.

/** Types of apps, batch, autoscaling, policy, networking and rbac. */
export const WORKLOAD_TYPES = `
Deployment: apiVersion:s kind:s metadata:ObjectMeta spec:DeploymentSpec={} status:DeploymentStatus
DeploymentSpec: replicas:i=1 selector:@LabelSelector=null template:PodTemplateSpec={} strategy:DeploymentStrategy={} minReadySeconds:i revisionHistoryLimit:i=10 paused:b progressDeadlineSeconds:i=600
DeploymentStrategy: type:s=RollingUpdate rollingUpdate:RollingUpdateDeployment
RollingUpdateDeployment: maxUnavailable:ios="25%" maxSurge:ios="25%"
DeploymentStatus: observedGeneration:i replicas:i updatedReplicas:i readyReplicas:i availableReplicas:i unavailableReplicas:i terminatingReplicas:i conditions:[type]DeploymentCondition collisionCount:i
DeploymentCondition: type!:s status!:s lastUpdateTime:t=null lastTransitionTime:t=null reason:s message:s
ReplicaSet: apiVersion:s kind:s metadata:ObjectMeta spec:ReplicaSetSpec={} status:ReplicaSetStatus
ReplicaSetSpec: replicas:i=1 minReadySeconds:i selector:@LabelSelector=null template:PodTemplateSpec={}
ReplicaSetStatus: replicas:i=0 fullyLabeledReplicas:i readyReplicas:i availableReplicas:i terminatingReplicas:i observedGeneration:i conditions:[type]WorkloadCondition
WorkloadCondition: type!:s status!:s lastTransitionTime:t=null reason:s message:s
DaemonSet: apiVersion:s kind:s metadata:ObjectMeta spec:DaemonSetSpec={} status:DaemonSetStatus
DaemonSetSpec: selector:@LabelSelector=null template:PodTemplateSpec={} updateStrategy:DaemonSetUpdateStrategy={} minReadySeconds:i revisionHistoryLimit:i=10
DaemonSetUpdateStrategy: type:s=RollingUpdate rollingUpdate:RollingUpdateDaemonSet
RollingUpdateDaemonSet: maxUnavailable:ios=1 maxSurge:ios=0
DaemonSetStatus: currentNumberScheduled:i=0 numberMisscheduled:i=0 desiredNumberScheduled:i=0 numberReady:i=0 observedGeneration:i updatedNumberScheduled:i numberAvailable:i numberUnavailable:i collisionCount:i conditions:[type]WorkloadCondition
StatefulSet: apiVersion:s kind:s metadata:ObjectMeta spec:StatefulSetSpec={} status:StatefulSetStatus
StatefulSetSpec: replicas:i=1 selector:@LabelSelector=null template:PodTemplateSpec={} volumeClaimTemplates:[]PersistentVolumeClaim serviceName:s podManagementPolicy:s=OrderedReady updateStrategy:StatefulSetUpdateStrategy={} revisionHistoryLimit:i=10 minReadySeconds:i persistentVolumeClaimRetentionPolicy:StatefulSetClaimRetention ordinals:StatefulSetOrdinals
StatefulSetClaimRetention: whenDeleted:s whenScaled:s
StatefulSetOrdinals: start:i
StatefulSetUpdateStrategy: type:s=RollingUpdate rollingUpdate:RollingUpdateStatefulSet
RollingUpdateStatefulSet: partition:i=0 maxUnavailable:ios
StatefulSetStatus: observedGeneration:i replicas:i=0 readyReplicas:i currentReplicas:i updatedReplicas:i currentRevision:s updateRevision:s collisionCount:i conditions:[type]WorkloadCondition availableReplicas:i=0
ControllerRevision: apiVersion:s kind:s metadata:ObjectMeta data:any revision!:i
Job: apiVersion:s kind:s metadata:ObjectMeta spec:JobSpec={} status:JobStatus
JobSpec: parallelism:i completions:i activeDeadlineSeconds:i podFailurePolicy:any backoffLimit:i selector:@LabelSelector manualSelector:b template:PodTemplateSpec={} ttlSecondsAfterFinished:i completionMode:s suspend:b podReplacementPolicy:s backoffLimitPerIndex:i maxFailedIndexes:i successPolicy:any managedBy:s
JobStatus: conditions:[]JobCondition startTime:t completionTime:t active:i succeeded:i failed:i terminating:i completedIndexes:s failedIndexes:s uncountedTerminatedPods:any ready:i
JobCondition: type!:s status!:s lastProbeTime:t=null lastTransitionTime:t=null reason:s message:s
CronJob: apiVersion:s kind:s metadata:ObjectMeta spec:CronJobSpec={} status:CronJobStatus
CronJobSpec: schedule:s="" timeZone:s startingDeadlineSeconds:i concurrencyPolicy:s=Allow suspend:b=false jobTemplate:JobTemplateSpec={} successfulJobsHistoryLimit:i=3 failedJobsHistoryLimit:i=1
JobTemplateSpec: metadata:ObjectMeta={} spec:JobSpec={}
CronJobStatus: active:[]ObjectReference lastScheduleTime:t lastSuccessfulTime:t
HorizontalPodAutoscaler: apiVersion:s kind:s metadata:ObjectMeta spec:HorizontalPodAutoscalerSpec={} status:HorizontalPodAutoscalerStatus
HorizontalPodAutoscalerSpec: scaleTargetRef:CrossVersionObjectReference={} minReplicas:i=1 maxReplicas:i=0 metrics:[]any behavior:any
CrossVersionObjectReference: kind:s="" name:s="" apiVersion:s
HorizontalPodAutoscalerStatus: observedGeneration:i lastScaleTime:t currentReplicas:i desiredReplicas:i=0 currentMetrics:[]any=null conditions:[type]Condition
HorizontalPodAutoscalerV1: apiVersion:s kind:s metadata:ObjectMeta spec:HorizontalPodAutoscalerV1Spec={} status:HorizontalPodAutoscalerV1Status
HorizontalPodAutoscalerV1Spec: scaleTargetRef:CrossVersionObjectReference={} minReplicas:i=1 maxReplicas:i=0 targetCPUUtilizationPercentage:i
HorizontalPodAutoscalerV1Status: observedGeneration:i lastScaleTime:t currentReplicas:i=0 desiredReplicas:i=0 currentCPUUtilizationPercentage:i
PodDisruptionBudget: apiVersion:s kind:s metadata:ObjectMeta spec:PodDisruptionBudgetSpec={} status:PodDisruptionBudgetStatus
PodDisruptionBudgetSpec: minAvailable:ios selector:@LabelSelector maxUnavailable:ios unhealthyPodEvictionPolicy:s
PodDisruptionBudgetStatus: observedGeneration:i disruptedPods:{}t disruptionsAllowed:i=0 currentHealthy:i=0 desiredHealthy:i=0 expectedPods:i=0 conditions:[type]Condition
Eviction: apiVersion:s kind:s metadata:ObjectMeta deleteOptions:any
NetworkPolicy: apiVersion:s kind:s metadata:ObjectMeta spec:NetworkPolicySpec={}
NetworkPolicySpec: podSelector:@LabelSelector={} ingress:[]NetworkPolicyIngressRule egress:[]NetworkPolicyEgressRule policyTypes:[]s
NetworkPolicyIngressRule: ports:[]NetworkPolicyPort from:[]NetworkPolicyPeer
NetworkPolicyEgressRule: ports:[]NetworkPolicyPort to:[]NetworkPolicyPeer
NetworkPolicyPort: protocol:s=TCP port:ios endPort:i
NetworkPolicyPeer: podSelector:@LabelSelector namespaceSelector:@LabelSelector ipBlock:IPBlock
IPBlock: cidr!:s except:[]s
Ingress: apiVersion:s kind:s metadata:ObjectMeta spec:IngressSpec={} status:IngressStatus
IngressSpec: ingressClassName:s defaultBackend:IngressBackend tls:[]IngressTLS rules:[]IngressRule
IngressBackend: service:IngressServiceBackend resource:@TypedLocalObjectReference
IngressServiceBackend: name!:s port:@ServiceBackendPort
ServiceBackendPort: name:s number:i
IngressTLS: hosts:[]s secretName:s
IngressRule: host:s http:HTTPIngressRuleValue
HTTPIngressRuleValue: paths!:[]HTTPIngressPath
HTTPIngressPath: path:s pathType!:s backend!:IngressBackend
IngressStatus: loadBalancer:LoadBalancerStatus={}
IngressClass: apiVersion:s kind:s metadata:ObjectMeta spec:IngressClassSpec
IngressClassSpec: controller:s parameters:any
Role: apiVersion:s kind:s metadata:ObjectMeta rules:[]PolicyRule=null
ClusterRole: apiVersion:s kind:s metadata:ObjectMeta rules:[]PolicyRule=null aggregationRule:AggregationRule
AggregationRule: clusterRoleSelectors:[]LabelSelector
PolicyRule: verbs:[]s=null apiGroups:[]s resources:[]s resourceNames:[]s nonResourceURLs:[]s
RoleBinding: apiVersion:s kind:s metadata:ObjectMeta subjects:[]Subject roleRef:@RoleRef={}
ClusterRoleBinding: apiVersion:s kind:s metadata:ObjectMeta subjects:[]Subject roleRef:@RoleRef={}
Subject: kind:s="" apiGroup:s name:s="" namespace:s
RoleRef: apiGroup:s="" kind:s="" name:s=""
Scale: apiVersion:s kind:s metadata:ObjectMeta spec:ScaleSpec status:ScaleStatus
ScaleSpec: replicas:i
ScaleStatus: replicas:i selector:s
`;
