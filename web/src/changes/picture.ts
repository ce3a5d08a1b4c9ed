// A drawing of the node as a picture of dots, for slides that take no SVG.

/** For dense screens and print. */
const TIMES = 3;

/** Saves the SVG at `address` as a PNG file called `name`. */
export async function savePicture(address: string, name: string): Promise<void> {
  const drawing = await loadDrawing(address);
  const canvas = document.createElement("canvas");
  canvas.width = drawing.naturalWidth * TIMES;
  canvas.height = drawing.naturalHeight * TIMES;
  const pen = canvas.getContext("2d");
  if (pen === null) return;
  pen.fillStyle = "#ffffff";
  pen.fillRect(0, 0, canvas.width, canvas.height);
  pen.drawImage(drawing, 0, 0, canvas.width, canvas.height);
  const picture = await new Promise<Blob | null>((resolve) => canvas.toBlob(resolve, "image/png"));
  if (picture === null) return;
  const link = document.createElement("a");
  link.href = URL.createObjectURL(picture);
  link.download = name;
  link.click();
  URL.revokeObjectURL(link.href);
}

function loadDrawing(address: string): Promise<HTMLImageElement> {
  return new Promise((resolve, reject) => {
    const image = new Image();
    image.onload = () => resolve(image);
    image.onerror = () => reject(new Error(address));
    image.src = address;
  });
}
