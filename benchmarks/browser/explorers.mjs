// Drive every explorer of an open notebook: move its first slider by a key, and see that the figure changes.
// node explorers.mjs ADDRESS-OF-THE-NOTEBOOK NUMBER-OF-EXPLORERS [FOLDER-FOR-SCREENSHOTS]
import { chromium } from "playwright-core";

const [address, count, folder] = [process.argv[2], Number(process.argv[3]), process.argv[4]];
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox"],
});
const page = await browser.newPage({ viewport: { width: 1200, height: 4200 } });
let failures = 0;
try {
  await page.goto(address);
  await page.waitForSelector(".jp-Notebook .jp-CodeCell", { timeout: 120000 });
  await page.waitForTimeout(4000);
  await page.getByRole("menuitem", { name: "Run", exact: true }).click();
  await page.getByRole("menuitem", { name: "Run All Cells", exact: true }).click();
  const figures = page.locator(".jp-OutputArea-output img.widget-image");
  await page.waitForFunction(
    (wanted) => document.querySelectorAll(".jp-OutputArea-output img.widget-image").length >= wanted,
    count,
    { timeout: 240000 },
  );
  for (let k = 0; k < count; k += 1) {
    const figure = figures.nth(k);
    const output = page.locator(".jp-OutputArea-output").filter({ has: page.locator("img.widget-image") }).nth(k);
    const handle = output.locator(".noUi-handle").first();
    await handle.scrollIntoViewIfNeeded();
    const bytes = async () =>
      figure.evaluate(async (image) => {
        const data = new Uint8Array(await (await fetch(image.src)).arrayBuffer());
        return [data.length, data.reduce((sum, value, place) => (sum * 31 + value + place) % 1000000007, 7)].join("-");
      });
    const before = await bytes();
    await handle.focus();
    await page.keyboard.press("ArrowRight");
    let after = before;
    for (let wait = 0; wait < 100 && after === before; wait += 1) {
      await page.waitForTimeout(200);
      after = await bytes();
    }
    const name = await output.locator(".widget-label").allTextContents();
    failures += after === before ? 1 : 0;
    console.log(`${after === before ? "FAILED" : "changed"}: explorer ${k + 1} (${name.join(", ")})`);
  }
  if (folder) await page.screenshot({ path: `${folder}/explorers.png` });
} finally {
  await browser.close();
}
process.exit(failures ? 1 : 0);
