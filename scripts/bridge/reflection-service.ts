/** gRPC's reflection service, by which tools like grpcurl learn etcd's schema from the bridge itself. */
import { createRegistry, type DescFile, type DescService, toBinary } from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";
import { Code, type ConnectRouter } from "@connectrpc/connect";
import { ServerReflection as V1 } from "../../src/wire/gen/grpc/reflection/v1/reflection_pb.ts";
import { ServerReflection as V1Alpha } from "../../src/wire/gen/grpc/reflection/v1alpha/reflection_pb.ts";

/** What is asked; both versions of the service have the same fields. */
interface Question {
  readonly case?: string | undefined;
  readonly value?: unknown;
}

/** What an answer says. */
type Answer =
  | { readonly case: "fileDescriptorResponse"; readonly value: { fileDescriptorProto: Uint8Array[] } }
  | { readonly case: "listServicesResponse"; readonly value: { service: { name: string }[] } }
  | { readonly case: "errorResponse"; readonly value: { errorCode: number; errorMessage: string } };

export function registerReflection(router: ConnectRouter, served: readonly DescService[]): void {
  const services = [...served, V1, V1Alpha];
  const schema = createRegistry(...new Set(services.flatMap(({ file }) => withDependencies(file))));
  const answer = (question: Question): Answer => answerTo(question, services, schema);
  router.rpc(V1.method.serverReflectionInfo, async function* (requests) {
    for await (const request of requests) {
      const messageResponse = answer(request.messageRequest);
      yield { validHost: request.host, originalRequest: request, messageResponse };
    }
  });
  router.rpc(V1Alpha.method.serverReflectionInfo, async function* (requests) {
    for await (const request of requests) {
      const messageResponse = answer(request.messageRequest);
      yield { validHost: request.host, originalRequest: request, messageResponse };
    }
  });
}

function answerTo(
  question: Question,
  services: readonly DescService[],
  schema: ReturnType<typeof createRegistry>,
): Answer {
  switch (question.case) {
    case "listServices":
      return {
        case: "listServicesResponse",
        value: { service: services.map(({ typeName }) => ({ name: typeName })) },
      };
    case "fileByFilename": {
      const name = String(question.value);
      const files = new Set(services.flatMap(({ file }) => withDependencies(file)));
      return descriptors([...files].find(({ proto }) => proto.name === name));
    }
    case "fileContainingSymbol":
      return descriptors(fileOf(String(question.value), schema));
    default:
      return notFound("the schema has no extensions");
  }
}

/** Of a type, a service, or something inside of one. */
function fileOf(symbol: string, schema: ReturnType<typeof createRegistry>): DescFile | undefined {
  const found = schema.get(symbol);
  if (found !== undefined) return found.kind === "extension" ? undefined : found.file;
  const end = symbol.lastIndexOf(".");
  return end < 0 ? undefined : fileOf(symbol.slice(0, end), schema);
}

function withDependencies(file: DescFile): readonly DescFile[] {
  return [file, ...file.dependencies.flatMap(withDependencies)];
}

function descriptors(file: DescFile | undefined): Answer {
  if (file === undefined) return notFound("not found");
  const files = [...new Set(withDependencies(file))];
  return {
    case: "fileDescriptorResponse",
    value: { fileDescriptorProto: files.map(({ proto }) => toBinary(FileDescriptorProtoSchema, proto)) },
  };
}

function notFound(errorMessage: string): Answer {
  return { case: "errorResponse", value: { errorCode: Code.NotFound, errorMessage } };
}
