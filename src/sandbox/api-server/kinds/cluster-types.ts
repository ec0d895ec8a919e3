// Core kinds beside pods: services, configuration, nodes, events, quota. Compact notation of schema/compact-schema.ts.

/** Types of core/v1 beside pods, and of discovery, events, coordination and storage. */
export const CLUSTER_TYPES = `
Service: apiVersion:s kind:s metadata:ObjectMeta spec:ServiceSpec={} status:ServiceStatus
ServiceSpec: ports:[port,protocol]ServicePort selector:@{}s clusterIP:s clusterIPs:[]s type:s=ClusterIP externalIPs:[]s sessionAffinity:s=None loadBalancerIP:s loadBalancerSourceRanges:[]s externalName:s externalTrafficPolicy:s healthCheckNodePort:i publishNotReadyAddresses:b sessionAffinityConfig:SessionAffinityConfig ipFamilies:[]s ipFamilyPolicy:s allocateLoadBalancerNodePorts:b loadBalancerClass:s internalTrafficPolicy:s trafficDistribution:s
SessionAffinityConfig: clientIP:ClientIPConfig
ClientIPConfig: timeoutSeconds:i
ServicePort: name:s protocol:s=TCP appProtocol:s port!:i targetPort:ios nodePort:i
ServiceStatus: loadBalancer:LoadBalancerStatus={} conditions:[type]Condition
LoadBalancerStatus: ingress:[]LoadBalancerIngress
LoadBalancerIngress: ip:s hostname:s ipMode:s ports:[]PortStatus
PortStatus: port!:i protocol!:s error:s
Endpoints: apiVersion:s kind:s metadata:ObjectMeta subsets:[]EndpointSubset
EndpointSubset: addresses:[]EndpointAddress notReadyAddresses:[]EndpointAddress ports:[]EndpointPortV1
EndpointAddress: ip!:s hostname:s nodeName:s targetRef:@ObjectReference
EndpointPortV1: name:s port!:i protocol:s=TCP appProtocol:s
ConfigMap: apiVersion:s kind:s metadata:ObjectMeta data:{}s binaryData:{}bytes immutable:b
Secret: apiVersion:s kind:s metadata:ObjectMeta immutable:b data:{}bytes stringData:{}s type:s=Opaque
ServiceAccount: apiVersion:s kind:s metadata:ObjectMeta secrets:[name]ObjectReference imagePullSecrets:[]LocalObjectReference automountServiceAccountToken:b
Node: apiVersion:s kind:s metadata:ObjectMeta spec:NodeSpec status:NodeStatus
NodeSpec: podCIDR:s podCIDRs:[set]s providerID:s unschedulable:b taints:[]Taint configSource:any externalID:s
Taint: key!:s value:s effect!:s timeAdded:t
NodeStatus: capacity:{}q allocatable:{}q phase:s conditions:[type]NodeCondition addresses:[type]NodeAddress daemonEndpoints:any nodeInfo:NodeSystemInfo images:[]any volumesInUse:[]s volumesAttached:[]any config:any runtimeHandlers:[]any features:any
NodeCondition: type!:s status!:s lastHeartbeatTime:t=null lastTransitionTime:t=null reason:s message:s
NodeAddress: type!:s address!:s
NodeSystemInfo: machineID:s systemUUID:s bootID:s kernelVersion:s osImage:s containerRuntimeVersion:s kubeletVersion:s kubeProxyVersion:s operatingSystem:s architecture:s swap:any
Event: apiVersion:s kind:s metadata!:ObjectMeta involvedObject:@ObjectReference={} reason:s message:s source:EventSource={} firstTimestamp:t=null lastTimestamp:t=null count:i type:s eventTime:mt=null series:EventSeries action:s related:@ObjectReference reportingComponent:s="" reportingInstance:s=""
EventSource: component:s host:s
EventSeries: count:i lastObservedTime:mt=null
EventV1: apiVersion:s kind:s metadata:ObjectMeta eventTime:mt=null series:EventSeries reportingController:s reportingInstance:s action:s reason:s regarding:@ObjectReference={} related:@ObjectReference note:s type:s deprecatedSource:EventSource={} deprecatedFirstTimestamp:t=null deprecatedLastTimestamp:t=null deprecatedCount:i
PersistentVolumeClaim: apiVersion:s kind:s metadata:ObjectMeta spec:PersistentVolumeClaimSpec={} status:PersistentVolumeClaimStatus
PersistentVolumeClaimSpec: accessModes:[]s selector:@LabelSelector resources:ResourceRequirements volumeName:s storageClassName:s volumeMode:s=Filesystem dataSource:@TypedLocalObjectReference dataSourceRef:TypedObjectReference volumeAttributesClassName:s
PersistentVolumeClaimStatus: phase:s accessModes:[]s capacity:{}q conditions:[type]any allocatedResources:{}q
ReplicationController: apiVersion:s kind:s metadata:ObjectMeta spec:ReplicationControllerSpec={} status:ReplicaSetStatus
ReplicationControllerSpec: replicas:i=1 minReadySeconds:i selector:@{}s template:PodTemplateSpec
ResourceQuota: apiVersion:s kind:s metadata:ObjectMeta spec:ResourceQuotaSpec={} status:ResourceQuotaStatus
ResourceQuotaSpec: hard:{}q scopes:[]s scopeSelector:any
ResourceQuotaStatus: hard:{}q used:{}q
LimitRange: apiVersion:s kind:s metadata:ObjectMeta spec:LimitRangeSpec={}
LimitRangeSpec: limits:[]LimitRangeItem
LimitRangeItem: type!:s max:{}q min:{}q default:{}q defaultRequest:{}q maxLimitRequestRatio:{}q
EndpointSlice: apiVersion:s kind:s metadata:ObjectMeta addressType:s="" endpoints:[]Endpoint=null ports:[]EndpointPort=null
Endpoint: addresses:[set]s=null conditions:EndpointConditions={} hostname:s targetRef:@ObjectReference deprecatedTopology:{}s nodeName:s zone:s hints:any
EndpointConditions: ready:b serving:b terminating:b
EndpointPort: name:s="" protocol:s=TCP port:i appProtocol:s
Lease: apiVersion:s kind:s metadata:ObjectMeta spec:LeaseSpec={}
LeaseSpec: holderIdentity:s leaseDurationSeconds:i acquireTime:mt renewTime:mt leaseTransitions:i strategy:s preferredHolder:s
PriorityClass: apiVersion:s kind:s metadata:ObjectMeta value!:i globalDefault:b description:s preemptionPolicy:s=PreemptLowerPriority
StorageClass: apiVersion:s kind:s metadata:ObjectMeta provisioner!:s parameters:{}s reclaimPolicy:s=Delete mountOptions:[]s allowVolumeExpansion:b volumeBindingMode:s=Immediate allowedTopologies:[]any
CertificateSigningRequest: apiVersion:s kind:s metadata:ObjectMeta spec!:CertificateSigningRequestSpec status:CertificateSigningRequestStatus
CertificateSigningRequestSpec: request!:bytes signerName!:s expirationSeconds:i usages:[]s username:s uid:s groups:[]s extra:{}any
CertificateSigningRequestStatus: conditions:[type]CertificateSigningRequestCondition certificate:bytes
CertificateSigningRequestCondition: type!:s status!:s reason:s message:s lastUpdateTime:t=null lastTransitionTime:t=null
`;
