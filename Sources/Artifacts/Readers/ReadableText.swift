extension String {
  /// Text from a file as it may stand in a one-line message: quoted, control characters escaped, cut when long.
  var inMessage: String {
    let longest = 100
    let escaped = unicodeScalars.prefix(longest).map { scalar in
      scalar.properties.generalCategory == .control || scalar.properties.isBidiControl
        || scalar.properties.generalCategory == .lineSeparator
        ? scalar.escaped(asASCII: true) : String(scalar)
    }
    return "\"" + escaped.joined() + (unicodeScalars.count > longest ? "..." : "") + "\""
  }
}
