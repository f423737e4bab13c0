import { chromium, type BrowserContext } from 'playwright-core';

/** Without the background networking, whose refused connections would only fill the log. */
const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** The Chromium that tools/test-browser.mjs has found, with a new profile in `folder`. */
export function openBrowser(folder: string): Promise<BrowserContext> {
  return chromium.launchPersistentContext(folder, {
    executablePath: process.env['CHROMIUM_PATH']!,
    args: FLAGS,
    viewport: { width: 1280, height: 1600 },
  });
}
