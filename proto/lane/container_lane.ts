/**
 * Optional values and arrays. The fields of one level are in `level_lane.ts`.
 *
 * @module
 */

import type { Array as ArrayType } from "../schema/field_type.ts";
import {
  arrayCheck,
  isNumeric,
  lengthMisfit,
  optionalCheck,
} from "../wire/checks/container_check.ts";
import type { Compiler } from "../wire/compiler.ts";
import { Misfit } from "../wire/misfit.ts";
import {
  aligned,
  type LaneMakers,
  type LaneType,
  LazyLane,
} from "./lane_type.ts";
import {
  COUNT_BYTES,
  numericArrayLane,
  readCount,
} from "./numeric_array_lane.ts";

/** A value or `null`: a byte, 1 or 0; then the value, if it is 1. */
export function optionalLane(inner: LaneType): LaneType {
  return new LazyLane(optionalCheck(inner.check), 1, {
    fits: () => {
      const { fits } = inner;
      return (value) => isNull(value) || fits(value);
    },
    end: () => {
      const { end } = inner;
      return (value, at) => isNull(value) ? at + 1 : end(value, at + 1);
    },
    write: () => {
      const { write } = inner;
      return (value, writer, at) => {
        writer.room(at, 1, 1);
        writer.view.setUint8(at, isNull(value) ? 0 : 1);
        return isNull(value) ? at + 1 : write(value, writer, at + 1);
      };
    },
    read: () => {
      const { read } = inner;
      return (reader) => {
        const at = reader.take(1, 1);
        if (at < 0) return reader.short(1);
        const flag = reader.view.getUint8(at);
        if (flag > 1) {
          return reader.cut("a value or null", `the byte ${flag}`);
        }
        return flag === 0 ? null : read(reader);
      };
    },
  });
}

function isNull(value: unknown): value is null | undefined {
  return value === null || value === undefined;
}

/** An array: the number of its elements, then they themselves. Numbers are a typed array. */
export function arrayLane(
  type: ArrayType,
  compiler: Compiler<LaneType>,
): LaneType {
  const element = compiler.type(type.element);
  const check = arrayCheck(type, element.check);
  return isNumeric(type)
    ? numericArrayLane(type, element, check)
    : new LazyLane(check, COUNT_BYTES, listMakers(type, element));
}

function listMakers(type: ArrayType, element: LaneType): LaneMakers {
  return {
    fits: () => {
      const { fits } = element;
      return (value) => {
        if (!Array.isArray(value) || lengthMisfit(type, value.length)) {
          return false;
        }
        for (let i = 0; i < value.length; i++) {
          if (!fits(value[i])) return false;
        }
        return true;
      };
    },
    end: () => {
      const { end } = element;
      return (value, at) => {
        const list = value as readonly unknown[];
        let to = aligned(at, COUNT_BYTES) + COUNT_BYTES;
        for (let i = 0; i < list.length; i++) to = end(list[i], to);
        return to;
      };
    },
    write: () => {
      const { write } = element;
      return (value, writer, at) => {
        const list = value as readonly unknown[];
        const { length } = list;
        let to = writer.room(at, COUNT_BYTES, COUNT_BYTES);
        writer.view.setUint32(to, length, true);
        to += COUNT_BYTES;
        for (let i = 0; i < length; i++) to = write(list[i], writer, to);
        return to;
      };
    },
    read: () => {
      const { read, least } = element;
      return (reader) => {
        const count = readCount(reader, type, least);
        if (count instanceof Misfit) return count;
        const list: unknown[] = [];
        let misfit: Misfit | undefined;
        for (let i = 0; i < count; i++) {
          const item = read(reader);
          if (item instanceof Misfit) misfit ??= item.within(`[${i}]`);
          else list.push(item);
        }
        return misfit ?? list;
      };
    },
  };
}
