/** What host and module agree on for their ports, on the module's side. */

import { BridgeError } from "../../../proto/errors.ts";
import {
  type ConnectionSchema,
  connectionSchema,
} from "../../../proto/schema/connection_schema.ts";
import {
  Enum,
  Extended,
  field,
  type FieldDefinitions,
  Int32,
  Optional,
  type Schema,
  UInt32,
} from "../../../proto/schema/field_type.ts";
import { AudioFrame } from "../../../proto/schema/frames/audio_frame.ts";
import { VideoFrame } from "../../../proto/schema/frames/video_frame.ts";
import {
  connectionSchemaToJson,
  parseConnectionSchema,
} from "../../../proto/schema/json/connection_schema_json.ts";
import { withMarks } from "../../../proto/schema/marks/field_marks.ts";
import {
  type Port,
  port,
  type PortMap,
  type PortsOf,
} from "../../../proto/schema/port.ts";
import {
  type AgreedPorts,
  agreePorts,
  type HostsWords,
} from "../../../proto/schema/port_agreement.ts";
import { schemaToJson } from "../../../proto/schema/json/schema_json.ts";
import { schema, type SchemaDefinition } from "../../../proto/schema/schema.ts";
import { type Feature, FEATURES } from "../../../proto/wire/features.ts";
import { portsMessage } from "../../../proto/wire/port_terms.ts";
import { hostsWords, parseHostsWords } from "../../../proto/wire/port_words.ts";
import type { XpcDictionary } from "../../../proto/wire/xpc_value.ts";
import { packedHex } from "./frame_vectors.ts";

const Mode = schema({
  name: "Mode",
  version: { major: 1, minor: 2, patch: 0 },
  fields: {
    mode: Extended(Enum("a", "b"), 1, "c"),
    later: field(Optional(UInt32), "", { since: 2 }),
  },
});
const EarlierMode = schema({
  name: "Mode",
  version: { major: 1, minor: 1, patch: 0 },
  fields: { mode: Extended(Enum("a", "b"), 1, "c") },
});

/** The ports of a host and of its module, and the features that both use. */
interface Trial {
  readonly about: string;
  readonly hosts: { inputs?: PortMap; outputs?: PortMap };
  /** Absent: the module declares none. */
  readonly declared?: { inputs?: PortMap; outputs?: PortMap };
  readonly features?: readonly Feature[];
}

const IN_ORDER = { read_behavior: "read_next_in_order" } as const;

const TRIALS: readonly Trial[] = [
  {
    about: "the host's ports, with its marks",
    hosts: {
      inputs: { video: VideoFrame },
      outputs: { sound: port(AudioFrame, { capacity: 5 }) },
    },
  },
  {
    about: "the host's ports, for a module without features",
    hosts: { inputs: { video: VideoFrame } },
    features: [],
  },
  {
    about: "the stricter side holds",
    hosts: {
      inputs: { a: port(VideoFrame, IN_ORDER), b: VideoFrame },
      outputs: { c: port(AudioFrame, { capacity: 2 }) },
    },
    declared: {
      inputs: {
        a: VideoFrame,
        b: port(VideoFrame, { ...IN_ORDER, capacity: 2 }),
      },
      outputs: { c: port(AudioFrame, { capacity: 9 }) },
    },
  },
  {
    about: "optional ports may be missing on either side",
    hosts: {
      inputs: { a: VideoFrame, h: port(AudioFrame, { required: false }) },
    },
    declared: {
      inputs: { a: VideoFrame, m: port(AudioFrame, { required: false }) },
      outputs: { o: port(AudioFrame, { required: false }) },
    },
  },
  {
    about: "the smaller minor version holds",
    hosts: { inputs: { x: EarlierMode, y: Mode } },
    declared: { inputs: { x: Mode, y: EarlierMode } },
  },
  {
    about: "without minors the base form holds",
    hosts: { inputs: { x: Mode } },
    declared: { inputs: { x: Mode } },
    features: ["formats", "lanes"],
  },
  {
    about: "the consumer's first format that the producer has",
    hosts: {
      inputs: { in: port(VideoFrame, { formats: ["bgra8", "nv12", "i420"] }) },
      outputs: { out: port(VideoFrame, { formats: ["gray8", "rgba8"] }) },
    },
    declared: {
      inputs: { in: port(VideoFrame, { formats: ["i420", "nv12"] }) },
      outputs: { out: port(VideoFrame, { formats: ["rgba8", "gray8"] }) },
    },
  },
  {
    about: "only one side lists formats",
    hosts: {
      inputs: { in: port(VideoFrame, { formats: ["nv12", "bgra8"] }) },
      outputs: { out: VideoFrame },
    },
    declared: {
      inputs: { in: VideoFrame },
      outputs: { out: port(VideoFrame, { formats: ["p010", "gray8"] }) },
    },
  },
  {
    about: "a host without formats sends and takes those of the first version",
    hosts: { inputs: { in: VideoFrame }, outputs: { out: VideoFrame } },
    declared: {
      inputs: { in: port(VideoFrame, { formats: ["nv12", "gray8", "rgba8"] }) },
      outputs: { out: VideoFrame },
    },
    features: ["minors"],
  },
  {
    about: "no format is in both lists",
    hosts: {
      inputs: { in: port(VideoFrame, { formats: ["bgra8"] }) },
      outputs: { out: port(VideoFrame, { formats: ["bgra8"] }) },
    },
    declared: {
      inputs: { in: port(VideoFrame, { formats: ["nv12", "rgba8"] }) },
      outputs: { out: port(VideoFrame, { formats: ["i420"] }) },
    },
  },
  {
    about: "a port is missing, and one has another schema",
    hosts: { inputs: { a: VideoFrame, b: VideoFrame, c: Mode } },
    declared: {
      inputs: {
        b: AudioFrame,
        c: schema({
          name: "Mode",
          version: { major: 1, minor: 0, patch: 0 },
          fields: { mode: Enum("a", "x") },
        }),
      },
    },
  },
  {
    about: "schemas of one name differ, each in another way",
    hosts: {
      inputs: {
        description: point("Description", {
          fields: { x: field(Int32, "to the right") },
        }),
        lacking: point("Lacking", { fields: { x: Int32 } }),
        more: point("More", { fields: { x: Int32, y: Int32 } }),
        order: point("Order", { fields: { x: Int32, y: Int32 } }),
        behavior: point("Behavior", { read_behavior: "read_next_in_order" }),
        capacity: point("Capacity", { default_capacity: 2 }),
        version: point("Version", {
          version: { major: 2, minor: 0, patch: 0 },
        }),
      },
    },
    declared: {
      inputs: {
        description: point("Description", {
          fields: { x: field(Int32, "columns") },
        }),
        lacking: point("Lacking", { fields: { x: Int32, y: Int32 } }),
        more: point("More", { fields: { x: Int32 } }),
        order: point("Order", { fields: { y: Int32, x: Int32 } }),
        behavior: point("Behavior", {}),
        capacity: point("Capacity", {}),
        version: point("Version", {}),
      },
    },
  },
];

/** The schema of a connection as a client has it: from its base form. */
function received(ports: Trial["hosts"]): ConnectionSchema {
  return parseConnectionSchema(connectionSchemaToJson(connectionSchema(ports)));
}

/** As `client/agreement.ts` does it, without a channel. */
function agreement({ hosts, declared, features = FEATURES }: Trial): object {
  const used = new Set(features);
  const full = connectionSchema(hosts);
  const base = received(hosts);
  const module = declared && connectionSchema(declared);
  const says = used.has("marks") || used.has("minors") || used.has("formats");
  const ping: XpcDictionary = says
    ? {
      inputs: hostsWords(full.inputs, used),
      outputs: hostsWords(full.outputs, used),
    }
    : {};
  const words = (side: "inputs" | "outputs"): HostsWords => ({
    ports: parseHostsWords(ping[side] as XpcDictionary | undefined, used),
    agreesOnFormats: used.has("formats"),
  });
  const agree = (side: "inputs" | "outputs"): AgreedPorts =>
    agreePorts(
      side === "inputs" ? "input" : "output",
      base[side],
      module ? module[side] : marked(base[side], words(side)),
      words(side),
    );
  const given = {
    hosts: JSON.stringify(connectionSchemaToJson(full)),
    declared: module
      ? JSON.stringify(connectionSchemaToJson(module, "full"))
      : null,
    ping: packedHex(ping),
    features,
  };
  try {
    const inputs = agree("inputs");
    const outputs = agree("outputs");
    const message: XpcDictionary = module
      ? {
        inputs: portsMessage(inputs.terms, module.inputs, used),
        outputs: portsMessage(outputs.terms, module.outputs, used),
      }
      : {};
    return {
      ...given,
      inputs: agreedJson(inputs),
      outputs: agreedJson(outputs),
      started: packedHex(message),
    };
  } catch (error) {
    if (!(error instanceof BridgeError)) throw error;
    return { ...given, code: error.code, message: error.message };
  }
}

function marked(ports: PortsOf<PortMap>, words: HostsWords): PortsOf<PortMap> {
  return Object.fromEntries(
    Object.entries<Port>(ports).map(([name, one]) => {
      const marks = words.ports.get(name)?.marks;
      return [
        name,
        marks ? { ...one, schema: withMarks(one.schema, marks) } : one,
      ];
    }),
  );
}

function agreedJson({ terms, unconnected }: AgreedPorts): object {
  return {
    terms: Object.fromEntries(
      [...terms].map(([name, one]) => [name, {
        read_behavior: one.read_behavior,
        capacity: one.capacity,
        minor: one.minor,
        formats: one.agreed_formats ?? null,
        schema: JSON.stringify(schemaToJson(one.schema!, "full")),
      }]),
    ),
    unconnected: Object.keys(unconnected),
  };
}

/** A schema of one name, with what differs. */
function point(
  name: string,
  differs: Partial<SchemaDefinition<FieldDefinitions>>,
): Schema {
  return schema({
    name,
    version: { major: 1, minor: 0, patch: 0 },
    fields: { x: Int32 },
    ...differs,
  });
}

/** Returns the vectors as data. */
export function agreementVectors(): object {
  return {
    about:
      "Hosts: schema_json. Declared: the module's ports in the full form; null if it has the host's. " +
      "Ping and started: what they say of the ports, packed.",
    cases: TRIALS.map((trial) => ({
      about: trial.about,
      ...agreement(trial),
    })),
  };
}
