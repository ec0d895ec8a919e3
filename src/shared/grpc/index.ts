// gRPC servers and clients over any messages. The one home of @grpc/grpc-js.
export { GrpcClient, type GrpcClientOptions, type GrpcClientTls } from './client.ts';
export { GrpcError, type GrpcCode } from './grpc-error.ts';
export { type MessageStream } from './message-stream.ts';
export { protobufCodec, type Codec, type GeneratedMessage, type GrpcMethod } from './method.ts';
export { GrpcServer, type GrpcPeer, type GrpcServerOptions, type GrpcServerTls } from './server.ts';
