import Artifacts
import Foundation

/// Small PNG files of 5 x 4 pixels, made with Python's `zlib` and `struct` so that libpng is not its own judge.
public enum PNGFixture: String, CaseIterable, Sendable {
  case rgb8 = """
    iVBORw0KGgoAAAANSUhEUgAAAAUAAAAECAIAAADJUWIXAAAAP0lEQVR42g3HIQHAMAxFwYeHi4uLg7+I4uGI+EqiJCIiazt2
    AAEJBfMHEXpSq7RHB0x4pU9Z4wtN9M5W9TvtD5BPETEx5qwhAAAAAElFTkSuQmCC
    """
  case rgb16 = """
    iVBORw0KGgoAAAANSUhEUgAAAAUAAAAEEAIAAACZwb5UAAAAaUlEQVR42h3JoRGAMAxA0Wo0Iqq6ogqdIdDoaHQ0ujo6QxCL
    bnfIJFUQ7t9981KiaJM49bjM+Ki/JEINRl1O6qgry0TN16iopX3MHsy+MnX20mSyo47Kvt8fGwQb5Iu6AapMg+MZ1YD9BZV8
    MNqdBXxuAAAAAElFTkSuQmCC
    """
  case gray8 = """
    iVBORw0KGgoAAAANSUhEUgAAAAUAAAAECAAAAABjWKqcAAAAIUlEQVR42mNgMEqZdoKB0Th1+kkGJpO0GacYmE3TZ54GAFba
    B+8TCgEZAAAAAElFTkSuQmCC
    """
  case gray16 = """
    iVBORw0KGgoAAAANSUhEUgAAAAUAAAAEEAAAAAAzyHbfAAAAN0lEQVR42gEsANP/AABkMpZkyJb6ySwAAWUzl2XJl/vKLQAC
    ZjSYZsqY/MsuAANnNZlny5n9zC+d/xOxk8gQWAAAAABJRU5ErkJggg==
    """
  case gray1 = """
    iVBORw0KGgoAAAANSUhEUgAAAAUAAAAEAQAAAABuSMjtAAAADklEQVR42mMIYFjBAMQABxgB8Vj1QOAAAAAASUVORK5CYII=
    """
  case palette4 = """
    iVBORw0KGgoAAAANSUhEUgAAAAUAAAAEBAMAAAC0HehzAAAACVBMVEX/AAAA/wAKFB7Zfk3nAAAAFklEQVR42mNgVBBgEGJU
    YFAQYmAAsgEGPgDIv0ALoQAAAABJRU5ErkJggg==
    """
  case interlaced = """
    iVBORw0KGgoAAAANSUhEUgAAAAUAAAAECAIAAAG+VlKBAAAAQ0lEQVR42hWHoRHAMAzEhIuDg4ONf4jgYg/hSTyJh/BYdXWn
    OwmGHv2PwON0XAxy3mJlCITpca3Ubh0orLaXst6u+ADF/xExNxhk1wAAAABJRU5ErkJggg==
    """
  case rgba8 = """
    iVBORw0KGgoAAAANSUhEUgAAAAUAAAAECAYAAABGM/VAAAAASUlEQVR42g3IIQHAQBADweDix48fF0dEcfGJiJJTEhEnpxKa
    ZTtAugEWoAY8wJcN8mJxqbk9PEEFtVg6atGjJ+igN8tU+/VY3w9p8RqRCbZp7wAAAABJRU5ErkJggg==
    """
  case grayAlpha8 = """
    iVBORw0KGgoAAAANSUhEUgAAAAUAAAAECAQAAADsOj3LAAAAN0lEQVR42gEsANP/AAAAMgBkAJYAyAAAAVAzUGVQl1DJUAAC
    oDSgZqCYoMqgAAPwNfBn8Jnwy/AVkxFPm/3+OgAAAABJRU5ErkJggg==
    """
  case paletteTransparent = """
    iVBORw0KGgoAAAANSUhEUgAAAAUAAAAEAgMAAAA7XR3TAAAACVBMVEX/AAAA/wAKFB7Zfk3nAAAAA3RSTlMAgP/s97MYAAAA
    FElEQVR42mOQcGBIbGBoY2CQcAAADSoCGBL7z/oAAAAASUVORK5CYII=
    """
  case tooWide = """
    iVBORw0KGgoAAAANSUhEUgABEXAAAAABCAIAAAB9IeocAAAACUlEQVR4nGMAAAABAAFe/335AAAAAElFTkSuQmCC
    """
  case tooManyPixels = """
    iVBORw0KGgoAAAANSUhEUgAA6mAAAOpgCAIAAAAPsOIVAAAACUlEQVR4nGMAAAABAAFe/335AAAAAElFTkSuQmCC
    """

  /// The file.
  public var data: Data {
    Data(base64Encoded: rawValue, options: .ignoreUnknownCharacters) ?? Data()
  }

  /// `rgb8` with a damaged stream of pixels under a right checksum: only decoding finds it.
  public static var undecodable: Data {
    var bytes = [UInt8](rgb8.data)
    let place = bytes.indices.first { bytes[$0...].starts(with: Array("IDAT".utf8)) } ?? 0
    let end = place + 4 + Int(bytes[place - 1])
    bytes[place + 4] ^= 0x0F
    bytes.replaceSubrange(end..<end + 4, with: littleEndian(ZipBytes.checksum(Array(bytes[place..<end]))).reversed())
    return Data(bytes)
  }
}

extension RGBImage {
  /// An image of one colour.
  public init(width: Int, height: Int, gray: UInt8) {
    self.init(width: width, height: height, pixels: Array(repeating: gray, count: width * height * 3))
  }
}
