// Pictures as training sees them.

// The colours of the file without its transparency, as in training: a canvas would
// blend them. Where there is no WebGL or the picture is too large for it, it does.
export function opaque(picture) {
  const { width, height } = picture;
  const gl = new OffscreenCanvas(1, 1).getContext("webgl2");
  if (!gl || Math.max(width, height) > gl.getParameter(gl.MAX_TEXTURE_SIZE)) {
    return picture;
  }
  gl.bindTexture(gl.TEXTURE_2D, gl.createTexture());
  gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA, gl.RGBA, gl.UNSIGNED_BYTE, picture);
  gl.bindFramebuffer(gl.FRAMEBUFFER, gl.createFramebuffer());
  gl.framebufferTexture2D(
    ...[gl.FRAMEBUFFER, gl.COLOR_ATTACHMENT0, gl.TEXTURE_2D],
    ...[gl.getParameter(gl.TEXTURE_BINDING_2D), 0],
  );
  const image = new ImageData(width, height);
  const bytes = new Uint8Array(image.data.buffer);
  gl.readPixels(0, 0, width, height, gl.RGBA, gl.UNSIGNED_BYTE, bytes);
  for (let alpha = 3; alpha < bytes.length; alpha += 4) bytes[alpha] = 255;
  gl.getExtension("WEBGL_lose_context")?.loseContext();
  const result = new OffscreenCanvas(width, height);
  result.getContext("2d").putImageData(image, 0, 0);
  return result;
}
