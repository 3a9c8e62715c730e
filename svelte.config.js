// Svelte 5 with runes everywhere; shared by the bundler, svelte-check and the linter.
import { vitePreprocess } from '@sveltejs/vite-plugin-svelte'

export default { preprocess: vitePreprocess(), compilerOptions: { runes: true } }
