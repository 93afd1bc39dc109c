/// The pickle instructions of protocols 0 to 5 that this reader follows. The others stand for numbers in a registry
/// of the program, or data outside the pickle, which no file of tensors has.
///
/// Source: CPython, `Lib/pickletools.py`.
enum PickleOpcode: UInt8 {
  // Constants; first those whose value stands in the instruction itself.
  case none = 0x4E
  case newTrue = 0x88
  case newFalse = 0x89
  case intLine = 0x49
  case longLine = 0x4C
  case floatLine = 0x46
  case binInt = 0x4A
  case binInt1 = 0x4B
  case binInt2 = 0x4D
  case long1 = 0x8A
  case long4 = 0x8B
  case binFloat = 0x47

  // Text and bytes; the older ones are Python 2's strings.
  case stringLine = 0x53
  case binString = 0x54
  case shortBinString = 0x55
  case unicodeLine = 0x56
  case binUnicode = 0x58
  case shortBinUnicode = 0x8C
  case binUnicode8 = 0x8D
  case binBytes = 0x42
  case shortBinBytes = 0x43
  case binBytes8 = 0x8E
  case byteArray8 = 0x96

  // Containers.
  case emptyTuple = 0x29
  case tuple1 = 0x85
  case tuple2 = 0x86
  case tuple3 = 0x87
  case tuple = 0x74
  case emptyList = 0x5D
  case list = 0x6C
  case append = 0x61
  case appends = 0x65
  case emptyDictionary = 0x7D
  case dictionary = 0x64
  case setItem = 0x73
  case setItems = 0x75

  // Sets, whose members nobody needs.
  case emptySet = 0x8F
  case addItems = 0x90
  case frozenSet = 0x91

  // Stack and memo.
  case mark = 0x28
  case pop = 0x30
  case popMark = 0x31
  case duplicate = 0x32
  case getLine = 0x67
  case binGet = 0x68
  case longBinGet = 0x6A
  case putLine = 0x70
  case binPut = 0x71
  case longBinPut = 0x72
  case memoize = 0x94

  // Objects.
  case global = 0x63
  case stackGlobal = 0x93
  case reduce = 0x52
  case newObject = 0x81
  case newObjectWithKeywords = 0x92
  case object = 0x6F
  case instance = 0x69
  case build = 0x62
  case persistentID = 0x51

  // Framing.
  case `protocol` = 0x80
  case frame = 0x95
  case stop = 0x2E
}
