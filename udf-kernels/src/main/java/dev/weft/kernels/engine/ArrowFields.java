package dev.weft.kernels.engine;

import java.util.List;
import org.apache.arrow.vector.types.FloatingPointPrecision;
import org.apache.arrow.vector.types.TimeUnit;
import org.apache.arrow.vector.types.pojo.ArrowType;
import org.apache.arrow.vector.types.pojo.Field;
import org.apache.arrow.vector.types.pojo.FieldType;

/** Short names for the Arrow types of the engine's schemas. */
final class ArrowFields {
  static final ArrowType INT8 = new ArrowType.Int(8, true);
  static final ArrowType INT32 = new ArrowType.Int(32, true);
  static final ArrowType INT64 = new ArrowType.Int(64, true);
  static final ArrowType FLOAT32 = new ArrowType.FloatingPoint(FloatingPointPrecision.SINGLE);
  static final ArrowType FLOAT64 = new ArrowType.FloatingPoint(FloatingPointPrecision.DOUBLE);
  static final ArrowType UTF8 = ArrowType.Utf8.INSTANCE;
  static final ArrowType BOOL = ArrowType.Bool.INSTANCE;
  static final ArrowType TIMESTAMP_MICROS_UTC =
      new ArrowType.Timestamp(TimeUnit.MICROSECOND, "UTC");

  private ArrowFields() {}

  static Field field(String name, ArrowType type) {
    return new Field(name, FieldType.notNullable(type), null);
  }

  static Field nullable(String name, ArrowType type) {
    return new Field(name, FieldType.nullable(type), null);
  }

  /** A list that is never null itself, of elements that are never null. */
  static Field list(String name, Field element) {
    return new Field(name, FieldType.notNullable(ArrowType.List.INSTANCE), List.of(element));
  }

  static Field list(String name, ArrowType element) {
    return list(name, field("element", element));
  }

  static Field nullableList(String name, Field element) {
    return new Field(name, FieldType.nullable(ArrowType.List.INSTANCE), List.of(element));
  }

  static Field struct(String name, Field... fields) {
    return new Field(name, FieldType.notNullable(ArrowType.Struct.INSTANCE), List.of(fields));
  }
}
