// Kinds that extend or question the API server: admission, CRDs, reviews. Compact notation of schema/compact-schema.ts.

/** Types of admissionregistration, apiextensions, authentication and authorization. */
export const EXTENSION_TYPES = `
MutatingWebhookConfiguration: apiVersion:s kind:s metadata:ObjectMeta webhooks:[name]MutatingWebhook
ValidatingWebhookConfiguration: apiVersion:s kind:s metadata:ObjectMeta webhooks:[name]ValidatingWebhook
MutatingWebhook: name!:s clientConfig!:WebhookClientConfig rules:[]RuleWithOperations failurePolicy:s=Fail matchPolicy:s=Equivalent namespaceSelector:@LabelSelector={} objectSelector:@LabelSelector={} sideEffects!:s timeoutSeconds:i=10 admissionReviewVersions!:[]s reinvocationPolicy:s=Never matchConditions:[name]MatchCondition
ValidatingWebhook: name!:s clientConfig!:WebhookClientConfig rules:[]RuleWithOperations failurePolicy:s=Fail matchPolicy:s=Equivalent namespaceSelector:@LabelSelector={} objectSelector:@LabelSelector={} sideEffects!:s timeoutSeconds:i=10 admissionReviewVersions!:[]s matchConditions:[name]MatchCondition
MatchCondition: name!:s expression!:s
WebhookClientConfig: url:s service:ServiceReference caBundle:bytes
ServiceReference: namespace!:s name!:s path:s port:i=443
RuleWithOperations: operations:[]s apiGroups:[]s apiVersions:[]s resources:[]s scope:s="*"
CustomResourceDefinition: apiVersion:s kind:s metadata:ObjectMeta spec:CustomResourceDefinitionSpec={} status:CustomResourceDefinitionStatus
CustomResourceDefinitionSpec: group:s="" names:CustomResourceDefinitionNames={} scope:s="" versions:[]CustomResourceDefinitionVersion=null conversion:CustomResourceConversion preserveUnknownFields:b
CustomResourceDefinitionNames: plural:s="" singular:s shortNames:[]s kind:s="" listKind:s categories:[]s
CustomResourceDefinitionVersion: name!:s served!:b storage!:b deprecated:b deprecationWarning:s schema:CustomResourceValidation subresources:CustomResourceSubresources additionalPrinterColumns:[]CustomResourceColumnDefinition selectableFields:[]SelectableField
SelectableField: jsonPath!:s
CustomResourceValidation: openAPIV3Schema:any
CustomResourceSubresources: status:any scale:CustomResourceSubresourceScale
CustomResourceSubresourceScale: specReplicasPath!:s statusReplicasPath!:s labelSelectorPath:s
CustomResourceColumnDefinition: name!:s type!:s format:s description:s priority:i jsonPath!:s
CustomResourceConversion: strategy!:s webhook:WebhookConversion
WebhookConversion: clientConfig:WebhookClientConfig conversionReviewVersions:[]s=null
CustomResourceDefinitionStatus: conditions:[type]Condition=null acceptedNames:CustomResourceDefinitionNames storedVersions:[]s=null observedGeneration:i
DeleteOptions: apiVersion:s kind:s gracePeriodSeconds:i preconditions:Preconditions orphanDependents:b propagationPolicy:s dryRun:[]s ignoreStoreReadErrorWithClusterBreakingPotential:b
Preconditions: uid:s resourceVersion:s
TokenReview: apiVersion:s kind:s metadata:ObjectMeta spec:TokenReviewSpec status:any
TokenReviewSpec: token:s audiences:[]s
TokenRequest: apiVersion:s kind:s metadata:ObjectMeta spec:TokenRequestSpec={} status:any
TokenRequestSpec: audiences:[]s=null expirationSeconds:i=3600 boundObjectRef:BoundObjectReference=null
BoundObjectReference: kind:s apiVersion:s name:s uid:s
SelfSubjectReview: apiVersion:s kind:s metadata:ObjectMeta status:any
SubjectAccessReview: apiVersion:s kind:s metadata:ObjectMeta spec!:SubjectAccessReviewSpec status:any
LocalSubjectAccessReview: apiVersion:s kind:s metadata:ObjectMeta spec!:SubjectAccessReviewSpec status:any
SelfSubjectAccessReview: apiVersion:s kind:s metadata:ObjectMeta spec!:SubjectAccessReviewSpec status:any
SubjectAccessReviewSpec: resourceAttributes:ResourceAttributes nonResourceAttributes:NonResourceAttributes user:s groups:[]s extra:{}any uid:s
ResourceAttributes: namespace:s verb:s group:s version:s resource:s subresource:s name:s fieldSelector:any labelSelector:any
NonResourceAttributes: path:s verb:s
SelfSubjectRulesReview: apiVersion:s kind:s metadata:ObjectMeta spec!:SelfSubjectRulesReviewSpec status:any
SelfSubjectRulesReviewSpec: namespace:s
`;
