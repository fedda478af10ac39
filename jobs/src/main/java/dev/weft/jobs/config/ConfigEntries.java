package dev.weft.jobs.config;

import com.typesafe.config.ConfigRenderOptions;
import com.typesafe.config.ConfigValueFactory;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.RecordComponent;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** Turns the typed configuration back into keys and texts that can be read again. */
final class ConfigEntries {
  private ConfigEntries() {}

  static Map<String, String> of(WeftConfig config) {
    Map<String, String> allowed = ConfigSource.defaults().allowed();
    Map<String, String> entries = new LinkedHashMap<>();
    for (RecordComponent section : WeftConfig.class.getRecordComponents()) {
      Object values = get(section, config);
      for (RecordComponent component : section.getType().getRecordComponents()) {
        String key = section.getName() + "." + component.getName();
        entries.put(key, text(get(component, values), allowed.get(key).contains("auto")));
      }
    }
    return entries;
  }

  private static String text(Object value, boolean mayBeAuto) {
    if (mayBeAuto && (value.equals("") || value instanceof Number n && n.longValue() == 0)) {
      return ConfigReader.AUTO;
    }
    return switch (value) {
      case Enum<?> choice -> choice.name().toLowerCase(Locale.ROOT);
      case List<?> list ->
          ConfigValueFactory.fromIterable(list).render(ConfigRenderOptions.concise());
      default -> value.toString();
    };
  }

  private static Object get(RecordComponent component, Object record) {
    try {
      return component.getAccessor().invoke(record);
    } catch (IllegalAccessException | InvocationTargetException e) {
      throw new IllegalStateException("cannot read " + component, e);
    }
  }
}
